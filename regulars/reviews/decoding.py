"""A program of its own, run by its path: reads a picture that a stranger sent and writes it anew, in some sizes.

    decoding.py MEMORY_BYTES CPU_S PIXELS_MAX SIDE... < picture > each size, its length before it in four bytes

What it may cost is limited before it reads anything, and it can write no file. Of what was sent only pixels remain:
what stood beside them, or behind, is not written. It ends with 2 and a word on stderr where it refuses.
"""

import io
import resource
import sys

from PIL import Image, ImageOps


def refused(why: str) -> int:
    sys.stderr.write(why)
    return 2


def main(memory_bytes: int, cpu_s: int, pixels_max: int, *sides: int) -> int:
    for what, most in (("AS", memory_bytes), ("CPU", cpu_s), ("FSIZE", 0), ("CORE", 0)):
        resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (most, most))
    # What it holds is known from its head, before a pixel is read.
    Image.MAX_IMAGE_PIXELS = None
    try:
        picture: Image.Image = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("JPEG", "PNG", "WEBP"))
        if picture.width * picture.height > pixels_max:
            return refused("pixels")
        picture.draft("RGB", (max(sides), max(sides)))
        picture.thumbnail((max(sides), max(sides)), reducing_gap=2.0)
        picture = ImageOps.exif_transpose(picture).convert("RGBA")
    except MemoryError:
        return refused("memory")
    except Exception:  # noqa: BLE001 - whatever a decoder says of what it can't read
        return refused("unreadable")
    # What can be seen through is white.
    whole = Image.new("RGB", picture.size, "white")
    whole.paste(picture, mask=picture)
    for side in sides:
        size, written = whole.copy(), io.BytesIO()
        size.thumbnail((side, side))
        size.save(written, "JPEG", quality=82, optimize=True)
        sys.stdout.buffer.write(written.tell().to_bytes(4, "big") + written.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
