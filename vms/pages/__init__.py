"""Pages of images and offerings, and the tables of VMs on the pages of what they use."""
