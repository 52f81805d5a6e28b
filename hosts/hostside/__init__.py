"""What is shipped to every host: the hook that libvirt calls there, and the script that installs it."""
