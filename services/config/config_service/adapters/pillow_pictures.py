"""Pictures that people upload, looked at with Pillow."""

import io
import warnings

from PIL import Image

from config_service.ports import NoPicture, Picture
from postbus.contracts.appearance import LogoType

_TYPES: dict[str, LogoType] = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
_MOST_PIXELS = 4_000_000


class PillowPictures:
    """`config_service.ports.Pictures`."""

    def look_at(self, data: bytes) -> Picture:
        try:
            with warnings.catch_warnings():
                # What Pillow only warns of, as of a picture that grows to gigabytes, is refused.
                warnings.simplefilter("error")
                return _read(data)
        except NoPicture:
            raise
        except Exception as error:
            # Pillow raises whatever its decoders do (SyntaxError, struct.error, OSError …).
            raise NoPicture("it is no PNG, JPEG or GIF, or it is damaged") from error


def _read(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=tuple(_TYPES)) as image:
        image.verify()  # the checksums of PNG, after which it has to be opened again
    with Image.open(io.BytesIO(data), formats=tuple(_TYPES)) as image:
        width, height = image.size
        if width * height > _MOST_PIXELS:
            raise NoPicture(f"it has more than {_MOST_PIXELS // 1_000_000} megapixels")
        image.load()
        return Picture(_TYPES[image.format or ""], width, height)
