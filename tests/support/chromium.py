"""Debian's Chromium and the two windows pages are looked at in."""

import shutil

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
