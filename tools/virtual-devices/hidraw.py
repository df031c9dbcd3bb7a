"""HID devices that umockdev shows to the programs started beside this one: /dev/hidrawN and what sysfs says of it, and nothing of what they do.

Run by umockdev-wrapper. One JSON object a line. In: {"plug": NAME, "vendor", "product", "title", "serial", "descriptor"}, {"unplug": NAME},
{"send": NAME, "bytes"}. Out: {"dir"} once, {"plugged": NAME}, {"unplugged": NAME}, {"written": NAME, "bytes"}. Ids and bytes are hexadecimal.
"""

import errno
import json
import os
import select
import signal
import sys
import tempfile
import threading
import tty

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402

# Ctrl+C in a terminal is told to everybody there. Who started this unplugs the devices, and ends it by closing its input.
signal.signal(signal.SIGINT, signal.SIG_IGN)

testbed = UMockdev.Testbed.new()
devices = {}
numbers = iter(range(10_000))
saying = threading.Lock()


def say(**message):
    with saying:
        print(json.dumps(message), flush=True)


def terminals():
    notes = os.path.join(testbed.get_root_dir(), "dev", ".ptymap")
    return {os.path.join(notes, name) for name in os.listdir(notes)} if os.path.isdir(notes) else set()


def description(number, plug):
    vendor, product = plug["vendor"], plug["product"]
    usb = f"/devices/pci0000:00/0000:00:14.0/usb1/1-{number + 1}"
    interface = f"{usb}/1-{number + 1}:1.0"
    hid = f"{interface}/0003:{vendor.upper()}:{product.upper()}.{number + 1:04X}"
    return f"""P: {usb}
N: bus/usb/001/{number + 2:03d}
E: DEVNAME=/dev/bus/usb/001/{number + 2:03d}
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor={vendor}\\n
A: idProduct={product}\\n
A: bcdDevice=0100\\n
A: product={plug["title"]}\\n
A: serial={plug["serial"]}\\n
A: busnum=1\\n
A: devnum={number + 2}\\n

P: {interface}
E: DEVTYPE=usb_interface
E: SUBSYSTEM=usb
A: bInterfaceNumber=00\\n

P: {hid}
E: SUBSYSTEM=hid
E: HID_ID=0003:0000{vendor.upper()}:0000{product.upper()}
E: HID_NAME={plug["title"]}
E: HID_PHYS=usb-0000:00:14.0-{number + 1}/input0
E: HID_UNIQ={plug["serial"]}
H: report_descriptor={plug["descriptor"].upper()}

P: {hid}/hidraw/hidraw{number}
N: hidraw{number}
E: DEVNAME=/dev/hidraw{number}
E: SUBSYSTEM=hidraw
A: dev=240:{number}\\n
L: device=../../../{os.path.basename(hid)}

"""


class Device:
    def __init__(self, name, plug):
        self.name = name
        number = next(numbers)
        node = f"/dev/hidraw{number}"
        known = terminals()
        testbed.add_from_string(description(number, plug))
        self.terminals = terminals() - known
        with tempfile.NamedTemporaryFile("w") as ioctls:
            size = len(plug["descriptor"]) // 2
            ioctls.write(f"@DEV {node}\nHIDIOCGRDESCSIZE 0 {size.to_bytes(4, 'little').hex().upper()}\n")
            ioctls.flush()
            testbed.load_ioctl(node, ioctls.name)
        self.fd = testbed.get_dev_fd(node)
        tty.setraw(self.fd)
        usb = f"/sys/devices/pci0000:00/0000:00:14.0/usb1/1-{number + 1}"
        self.paths = [f"{usb}/1-{number + 1}:1.0/0003:{plug['vendor'].upper()}:{plug['product'].upper()}.{number + 1:04X}/hidraw/hidraw{number}", usb]
        self.pulled = os.pipe()
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self):
        hand, wire = self.pulled[0], self.fd
        while True:
            ready, _, _ = select.select([hand, wire], [], [])
            if hand in ready:
                return
            try:
                say(written=self.name, bytes=os.read(wire, 4096).hex())
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                # Nobody has it open just now.
                select.select([hand], [], [], 0.005)

    def send(self, data):
        os.write(self.fd, data)

    def unplug(self):
        for path in self.paths:
            testbed.remove_device(path)
        # A read under way would keep the terminal open, and whoever reads at its other end would not notice.
        os.write(self.pulled[1], b"x")
        self.listener.join()
        for fd in (self.fd, *self.pulled):
            os.close(fd)
        # umockdev 0.17 leaves its note on the terminal, and trips over it when the next device is given the same one.
        for path in self.terminals:
            os.unlink(path)


say(dir=testbed.get_root_dir())
for line in sys.stdin:
    message = json.loads(line)
    if "plug" in message:
        devices[message["plug"]] = Device(message["plug"], message)
        say(plugged=message["plug"])
    elif "unplug" in message:
        devices.pop(message["unplug"]).unplug()
        say(unplugged=message["unplug"])
    elif message["send"] in devices:
        devices[message["send"]].send(bytes.fromhex(message["bytes"]))
