"""Augmentation: training rows are changed at random, differently in every epoch.

It works on encoded and scaled rows, as the network reads them. Rows that are scored are never changed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.nn.layer import Scratch, Workspace
from bptrain.registry import Family


class Augmentation(ABC):
    """A random change of a batch in place. If it `mixes` rows, their losses are mixed too."""

    equations: ClassVar[Equations] = Equations()
    mixes: ClassVar[bool] = False

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        """Return the scratch needed for rows of `shape`.

        Raises:
            OptionError: an option does not fit such rows.
        """
        return {}

    @abstractmethod
    def apply(self, x: Array, s: Workspace) -> float:
        """Change x `(n, inputs)` in place, with scratch and the random stream `s.rng`.

        Returns:
            The share of its own values that each row k keeps: 1, unless it `mixes`. The rest comes from row
            `s.order[k]`.
        """


AUGMENTATIONS = Family("augmentation", contract=Augmentation)


@AUGMENTATIONS.register
@dataclass(frozen=True)
class GaussianNoise(Augmentation):
    """Adds normal noise to every input.

    Shapes: `(n, inputs)`. The noise is added to scaled inputs: with standard scaling, `std: 0.1` is a tenth of a
    column's standard deviation. Targets do not change, so that an autoencoder learns to remove noise. The layer of the
    same name adds it inside a network. Reference: Bishop, 1995.
    """

    equations: ClassVar[Equations] = Equations(forward=("x = x + std · e", "e ~ N(0, 1) for each value"))
    aliases: ClassVar[tuple[str, ...]] = ("gaussian", "jitter", "noise")
    std: Annotated[float, Ge(0), Le(1e6), "standard deviation of the noise, in scaled units"] = 0.1

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        return {"noise": Scratch(shape, "float32")}

    def apply(self, x: Array, s: Workspace) -> float:
        # In float32 whatever the dtype of the network, so that a seed always gives the same noise.
        s.rng.standard_normal(out=s.noise, dtype=np.float32)
        s.noise *= self.std
        x += s.noise
        return 1.0


@AUGMENTATIONS.register
@dataclass(frozen=True)
class FeatureDropout(Augmentation):
    """Sets a random share of the inputs to 0, which is the mean with standard scaling, and no category if one-hot.

    Shapes: `(n, inputs)`. Unlike dropout, it does not scale up the other inputs: the network learns to do without a
    value. This is the masking noise of denoising autoencoders. Reference: Vincent et al., 2008.
    """

    equations: ClassVar[Equations] = Equations(forward=("x = x · m", "m ~ Bernoulli(1 - rate) for each value"))
    aliases: ClassVar[tuple[str, ...]] = ("masking", "swap_noise")
    rate: Annotated[float, Ge(0), Lt(1), "share of the inputs set to zero"] = 0.1

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        return {"uniform": Scratch(shape, "float32"), "dropped": Scratch(shape, "bool")}

    def apply(self, x: Array, s: Workspace) -> float:
        s.rng.random(out=s.uniform, dtype=np.float32)
        np.less(s.uniform, self.rate, out=s.dropped)
        np.copyto(x, 0, where=s.dropped)
        return 1.0


@AUGMENTATIONS.register
@dataclass(frozen=True)
class Mixup(Augmentation):
    """Mixes every row with another row of its batch, and their losses in the same proportion.

    p is a random permutation of the rows of a batch; the weight of a row goes with its target. Shapes: `(n, inputs)`.
    It works with every loss and needs no soft targets; for a loss that is linear in the target, such as cross-entropy,
    it is the loss of the mixed target. Reference: Zhang et al., 2018.
    """

    equations: ClassVar[Equations] = Equations(
        forward=(
            "x = λ x + (1 - λ) x[p]",
            "L = λ L(z, t) + (1 - λ) L(z, t[p])",
            "λ ~ Beta(alpha, alpha) for each batch",
        )
    )
    aliases: ClassVar[tuple[str, ...]] = ("cutmix", "mix_up")
    alpha: Annotated[float, Gt(0), Le(1000), "near 0: mostly one of the rows; 1: all proportions equally likely"] = 0.2

    mixes: ClassVar[bool] = True

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        return {"order": Scratch((), "int64"), "others": Scratch(shape)}

    def apply(self, x: Array, s: Workspace) -> float:
        share = float(s.rng.beta(self.alpha, self.alpha))
        np.copyto(s.order, s.rows)
        s.rng.shuffle(s.order)
        np.take(x, s.order, axis=0, out=s.others, mode="clip")
        x *= share
        s.others *= 1 - share
        x += s.others
        return share


@AUGMENTATIONS.register
@dataclass(frozen=True)
class ImageShift(Augmentation):
    """Shifts every row, read as an image, by a few pixels vertically and horizontally; the border is filled with 0.

    a and b are limited so that one row and one column of the image remain. Shapes: `(n, height · width · channels)`,
    row by row from the top, the channels of a pixel side by side. It moves scaled values, which is exact if all pixels
    have the same scale, as with `scaling: none`. Reference: LeCun et al., 1998.
    """

    equations: ClassVar[Equations] = Equations(
        forward=("x'[i, j] = x[i - a, j - b], 0 outside the image", "a and b from -pixels to pixels for each row")
    )
    aliases: ClassVar[tuple[str, ...]] = ("random_crop", "random_shift", "random_translation", "shift", "translation")
    height: Annotated[int, Ge(1), "rows of pixels"]
    width: Annotated[int, Ge(1), "columns of pixels"]
    pixels: Annotated[int, Ge(1), Le(32), "largest shift in pixels"] = 1
    channels: Annotated[int, Ge(1), "values per pixel, such as 3 for red, green and blue"] = 1

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        size = self.height * self.width * self.channels
        if shape != (size,):
            shown = f"{self.height} x {self.width}" + (f" x {self.channels}" if self.channels > 1 else "")
            what = f"an image of {shown} has {size:,} values, and the network reads {' x '.join(map(str, shape))}"
            raise OptionError(Mistake("height", f"{what}; list the pixels in data.features, or correct the size"))
        if self.pixels >= max(self.height, self.width):
            what = f"would shift the whole image away (got {self.pixels} for {self.height} x {self.width})"
            raise OptionError(Mistake("pixels", f"{what}; use a smaller number"))
        return {
            "uniform": Scratch((), "float32"),
            "shift": Scratch((), "int64"),
            "places": Scratch(shape, "int64"),
            "padded": Scratch((size + 1,)),
        }

    def apply(self, x: Array, s: Workspace) -> float:
        table = list_shift_sources(self.height, self.width, self.channels, self.pixels)
        s.rng.random(out=s.uniform, dtype=np.float32)
        s.uniform *= len(table)
        np.copyto(s.shift, s.uniform, casting="unsafe")
        np.take(table, s.shift, axis=0, out=s.places, mode="clip")
        # Each padded row ends with a 0, which fills the pixels that come from outside.
        np.copyto(s.padded[:, :-1], x)
        np.multiply(s.rows, s.padded.shape[1], out=s.shift)
        s.places += s.shift[:, None]
        np.take(s.padded.reshape(-1), s.places, out=x, mode="clip")
        return 1.0


@cache
def list_shift_sources(height: int, width: int, channels: int, pixels: int) -> Array:
    """Return for every shift the index that each value of the shifted image comes from, `(shifts, values)` int64; for
    pixels from outside, that of the 0 after the last value."""
    lines, places, colours = np.ogrid[:height, :width, :channels]
    found = []
    most_down, most_right = min(pixels, height - 1), min(pixels, width - 1)
    for down in range(-most_down, most_down + 1):
        for right in range(-most_right, most_right + 1):
            i, j = lines - down, places - right
            inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
            source = np.where(inside, (i * width + j) * channels + colours, height * width * channels)
            found.append(source.reshape(-1))
    return np.array(found, np.int64)
