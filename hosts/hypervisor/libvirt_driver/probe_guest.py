"""The guest of the KVM probe as a disk image; its code is written and explained in probe_guest.s."""

#: what the guest says; no "U", whose enciphered form would be taken for the end
MESSAGE = b"corral: this guest ran\n"

#: probe_guest.s, assembled
CODE = bytes.fromhex(
    "fa31c08ed88ec0fcbf0010b90020f3ab66c70600100320000066c70600200330"
    "000066c70600308300000066b8001000000f22d80f20e06683c8200f22e066b9"
    "800000c00f32660d000100000f300f20c0660d010000800f22c00f0116f87cea"
    "647c0800b8100000008ed88ec08ed0bc007c0000c7042500420000d67c0800c7"
    "042504420000008e00000f011c25fe7c0000b900e1f505ffc975fc31dbcd20be"
    "207d0000ac84c0741630d888c466bafd03eca82074fb88e066baf803eeebe566"
    "bafd03eca84074fbb0fee66466baf90cb006eef4ebfdb35548cf660f1f440000"
    "000000000000000000000000009a200000000000009200001700e07c0000ff0f"
    "0040000000000000"
)
_KEY, _MESSAGE_AT = 0x55, 0x120
_SECTOR, _SIGNATURE = 512, b"\x55\xaa"
#: bytes of the disk: a BIOS reads nothing from one smaller than a cylinder
_DISK = 1 << 20


def boot_disk() -> bytes:
    """A disk whose boot sector says MESSAGE on the first serial port and resets."""
    message = bytes(byte ^ _KEY for byte in MESSAGE) + b"\0"
    sector = (CODE.ljust(_MESSAGE_AT, b"\0") + message).ljust(_SECTOR - len(_SIGNATURE), b"\0") + _SIGNATURE
    return sector.ljust(_DISK, b"\0")
