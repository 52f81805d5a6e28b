"""A domain as people define them, with everything that Corral would not have made."""

GUEST = """
<domain type='test'>
  <name>by-hand</name>
  <memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='i686'>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='/srv/a.qcow2'/><target dev='vda' bus='virtio'/><boot order='2'/>
    </disk>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw'/><source dev='/dev/vg/b'/><target dev='vdb' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/><boot order='1'/></disk>
    <interface type='network'>
      <mac address='52:54:00:AA:00:01'/><source network='default'/><model type='virtio'/>
    </interface>
    <interface type='bridge'>
      <mac address='52:54:00:aa:00:02'/><source bridge='br_eth1_7'/><model type='e1000e'/>
    </interface>
    <interface type='network'>
      <mac address='52:54:00:aa:00:03'/><source network='gone'/><model type='virtio'/>
    </interface>
  </devices>
</domain>
"""
