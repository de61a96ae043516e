"""Augmentation: training rows changed at random, other ones in every epoch, so that a network sees more than there is.

It works on what the network reads: encoded and scaled rows. Rows that are scored are never changed.
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
    """A random change of a batch in place. `mixes` says that it mixes rows, and so their targets too."""

    equations: ClassVar[Equations] = Equations()
    mixes: ClassVar[bool] = False

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        """Return the scratch needed for rows of `shape`.

        Raises:
            OptionError: an option does not go with such rows.
        """
        return {}

    @abstractmethod
    def apply(self, x: Array, s: Workspace) -> float:
        """Change x `(n, inputs)` in place, with the scratch and the random stream `s.rng`.

        Returns:
            The share that every row keeps of itself: 1, unless it `mixes`. Then the rest is of the row `s.order[k]`.
        """


AUGMENTATIONS = Family("augmentation", contract=Augmentation)


@AUGMENTATIONS.register
@dataclass(frozen=True)
class GaussianNoise(Augmentation):
    """Adds normal noise to every input.

    Shapes: `(n, inputs)`. The standard deviation is that of scaled inputs: with standard scaling, 0.1 is a tenth of a
    column's own. Targets stay, so that an autoencoder learns to take noise away. The layer of the same name adds it
    inside of a network. Reference: Bishop, 1995.
    """

    equations: ClassVar[Equations] = Equations(forward=("x = x + std · e", "e ~ N(0, 1) for each value"))
    aliases: ClassVar[tuple[str, ...]] = ("gaussian", "jitter", "noise")
    std: Annotated[float, Ge(0), Le(1e6), "standard deviation of the noise, in scaled units"] = 0.1

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        return {"noise": Scratch(shape, "float32")}

    def apply(self, x: Array, s: Workspace) -> float:
        # Drawn in float32 whatever the dtype of the network, so that the noise of a seed is always the same.
        s.rng.standard_normal(out=s.noise, dtype=np.float32)
        s.noise *= self.std
        x += s.noise
        return 1.0


@AUGMENTATIONS.register
@dataclass(frozen=True)
class FeatureDropout(Augmentation):
    """Sets a random share of the inputs to 0: with standard scaling the mean, for a category none of its values.

    Shapes: `(n, inputs)`. What is left is not scaled up, as dropout does: the network learns to do without a value
    rather than to average. The masking noise of denoising autoencoders. Reference: Vincent et al., 2008.
    """

    equations: ClassVar[Equations] = Equations(forward=("x = x · m", "m ~ Bernoulli(1 - rate) for each value"))
    aliases: ClassVar[tuple[str, ...]] = ("masking", "swap_noise")
    rate: Annotated[float, Ge(0), Lt(1), "share of the values that is dropped"] = 0.1

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
    """Mixes every row with another one of its batch, and their losses alike.

    There is one permutation p of the rows for each batch; a row's weight goes with its target. Shapes: `(n, inputs)`.
    It goes with every loss and needs no soft targets; where the loss is linear in the target, as cross-entropy is, it
    is the loss of the mixed target. Reference: Zhang et al., 2018.
    """

    equations: ClassVar[Equations] = Equations(
        forward=(
            "x = λ x + (1 - λ) x[p]",
            "L = λ L(z, t) + (1 - λ) L(z, t[p])",
            "λ ~ Beta(alpha, alpha) for each batch",
        )
    )
    aliases: ClassVar[tuple[str, ...]] = ("cutmix", "mix_up")
    alpha: Annotated[float, Gt(0), Le(1000), "small: mostly one of the two rows; 1: any mixture alike"] = 0.2

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
    """Shifts every row as an image by up to so many pixels, down or up and right or left; what comes in is 0.

    a and b are at most as many as leave a line of the image. Shapes: `(n, height · width · channels)`, line by line
    from the top, the channels of a pixel side by side. It moves scaled values, which is exact where all pixels are
    scaled alike, as with `scaling: none`. Reference: LeCun et al., 1998.
    """

    equations: ClassVar[Equations] = Equations(
        forward=("x'[i, j] = x[i - a, j - b], 0 where that is outside", "a and b from -pixels to pixels for each row")
    )
    aliases: ClassVar[tuple[str, ...]] = ("random_crop", "random_shift", "random_translation", "shift", "translation")
    height: Annotated[int, Ge(1), "lines of the image"]
    width: Annotated[int, Ge(1), "pixels in a line"]
    pixels: Annotated[int, Ge(1), Le(32), "how far at most"] = 1
    channels: Annotated[int, Ge(1), "values of a pixel, such as 3 for red, green and blue"] = 1

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        size = self.height * self.width * self.channels
        if shape != (size,):
            made = f"{self.height} x {self.width}" + (f" x {self.channels}" if self.channels > 1 else "")
            what = f"an image of {made} has {size:,} values, and the network reads {' x '.join(map(str, shape))}"
            raise OptionError(Mistake("height", f"{what}; name the pixels in data.features, or correct the size"))
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
        table = sources(self.height, self.width, self.channels, self.pixels)
        s.rng.random(out=s.uniform, dtype=np.float32)
        s.uniform *= len(table)
        np.copyto(s.shift, s.uniform, casting="unsafe")
        np.take(table, s.shift, axis=0, out=s.places, mode="clip")
        # Each row keeps the 0 at its end that it was allocated with: from there comes what is outside.
        np.copyto(s.padded[:, :-1], x)
        np.multiply(s.rows, s.padded.shape[1], out=s.shift)
        s.places += s.shift[:, None]
        np.take(s.padded.reshape(-1), s.places, out=x, mode="clip")
        return 1.0


@cache
def sources(height: int, width: int, channels: int, pixels: int) -> Array:
    """Where each value of a shifted image comes from, `(shifts, values)` int64: a place in the row, or its end for what
    is outside. Every shift once, by lines first."""
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
