"""Receptive fields by reverse correlation: rate- or spike-triggered averages of noise.

With s_t(x) the image of trial t at pixel x and r_t the rate (or spike count) of a unit:

    h(x)   = cov_t(s(x), r) / var_t(s(x))                    white noise: the linear kernel, in rate per unit of contrast
    z(x)   = corr_t(s(x), r) sqrt(T)                         standard normal at every pixel where a unit ignores it
    on(x)  = mean(r | s(x) above background) - mean(r)       sparse noise
    off(x) = mean(r | s(x) below background) - mean(r)

p is that of the largest |z| of a map among as many pixels (Sidak), or by permutation of the trials. The former asks for sums over many
trials: of sparse noise whose pixels were changed in fewer than 10 trials each it is not told. A network without noise of its own that is
shown each place once needs none: what its map holds, it answers. Chichilnisky (2001, Network 12:199);
Jones and Palmer (1987, J. Neurophysiol. 58:1187) for sparse noise.
"""

from math import erfc, log1p, sqrt

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .blocks import blocks
from .described import result, two_dimensional, variable

SPARSE = 0.5  # share of background pixels from which noise is sparse
LEAST_TRIALS = 16
LEAST_SHOWN = 10  # trials in which a pixel of sparse noise was changed, for the normal approximation

Array = NDArray[np.float64]


def receptive_fields(
    rate: xr.DataArray,
    images: xr.DataArray,
    *,
    stimulus: str = "stimulus_id",
    rows: NDArray[np.bool_] | None = None,
    permutations: int = 0,
    seed: int = 0,
) -> xr.Dataset:
    """Receptive field of every unit from noise images.

    Args:
        rate: (trial, unit); a spike count gives the spike-triggered average.
        images: (stimulus, y, x) or (stimulus, channel, y, x), of which the mean over channels is used, with the coordinate `stimulus`.
        stimulus: coordinate of both that says which image a trial showed.
        rows: trials to use.
        permutations: of trials against images, for p without any assumption; 0 for the analytic p.
        seed: of the permutations.

    Returns:
        kernel, z (unit, y, x); on, off likewise where the noise is sparse; peak_z, p, snr, centre_y, centre_x (pixels), diameter (pixels),
        sign (1 where brighter drives the unit) by unit. Centre and diameter are of the pixels with at least half of the peak of |kernel|.

    Raises:
        RecordingError: trials without an image, too few of them, or images that never change.
    """
    two_dimensional(rate)
    grey, place = _images(rate, images, stimulus)
    kept = (place >= 0) if rows is None else (place >= 0) & rows
    if kept.sum() < LEAST_TRIALS:
        raise RecordingError(
            f"analysis.receptive-fields: expected at least {LEAST_TRIALS} trials with a recorded image, got {int(kept.sum())}; "
            "record noise together with its images"
        )
    shown = place[kept]
    shape = grey.shape[1:]
    pixels = grey.reshape(len(grey), -1)
    background = float(np.median(pixels))
    # single precision suffices: the sums of a block are joined in double
    flat = (pixels - background).astype(np.float32)
    sparse = bool((flat == 0).mean() >= SPARSE)
    sums = _Sums(flat, rate.sizes["unit"], sparse)
    orders = [np.random.default_rng([seed, i]).permutation(len(shown)) for i in range(permutations)]
    shuffled = [_Sums(flat, rate.sizes["unit"], False) for _ in orders]
    for part, (values,) in blocks(rate, rows=kept):
        block = values.astype(np.float32)
        sums.add(block, shown[part])
        for order, each in zip(orders, shuffled, strict=True):
            each.add(block, shown[order[part]])
    z = sums.z()
    if not np.isfinite(z).any():
        raise RecordingError(
            "analysis.receptive-fields: expected images and rates that vary, got constant ones; record noise"
        )
    largest = np.nanmax(np.abs(np.where(np.isfinite(z), z, 0)), axis=1)
    chance = [np.nanmax(np.abs(np.nan_to_num(each.z())), axis=1) for each in shuffled]
    p = (1 + sum(value >= largest for value in chance)) / (1 + permutations) if chance else _sidak(largest, sums.varied)
    told = np.isfinite(z).any(axis=1) & (bool(chance) or sums.shown >= LEAST_SHOWN)
    p = np.where(told, p, np.nan)
    return _dataset(rate, sums, z, largest, np.asarray(p, float), shape, permutations)


class _Sums:
    """Sums over trials of one pairing of rates and images."""

    def __init__(self, images: NDArray[np.float32], units: int, sparse: bool) -> None:
        pixels = images.shape[1]
        self.images, self.sparse, self.count = images, sparse, 0
        self.rate, self.rate_power = np.zeros(units), np.zeros(units)
        self.image, self.image_power = np.zeros(pixels), np.zeros(pixels)
        self.product = np.zeros((units, pixels))
        self.on, self.off = np.zeros((units, pixels if sparse else 0)), np.zeros((units, pixels if sparse else 0))
        self.on_count, self.off_count = np.zeros(pixels), np.zeros(pixels)

    def add(self, rates: NDArray[np.float32], shown: NDArray[np.int64]) -> None:
        """A block of rates (rows, unit) and the images that they answer."""
        images = self.images[shown]
        self.count += len(rates)
        self.rate += rates.sum(axis=0, dtype=np.float64)
        self.rate_power += np.einsum("tu,tu->u", rates, rates, dtype=np.float64)
        self.image += images.sum(axis=0, dtype=np.float64)
        self.image_power += np.einsum("tp,tp->p", images, images, dtype=np.float64)
        self.product += rates.T @ images
        if self.sparse:
            on, off = (images > 0).astype(np.float32), (images < 0).astype(np.float32)
            self.on += rates.T @ on
            self.off += rates.T @ off
            self.on_count += on.sum(axis=0)
            self.off_count += off.sum(axis=0)

    def _moments(self) -> tuple[Array, Array, Array]:
        """Covariance (unit, pixel), variance of the rates, and of the pixels."""
        n = self.count
        covariance = self.product / n - np.outer(self.rate, self.image) / n**2
        rate = self.rate_power / n - (self.rate / n) ** 2
        image = self.image_power / n - (self.image / n) ** 2
        # what rounding leaves of a variance is none
        rate = np.where(rate > 1e-7 * self.rate_power / n, rate, 0)
        image = np.where(image > 1e-7 * np.maximum(self.image_power / n, 1e-30), image, 0)
        return covariance, rate, image

    @property
    def varied(self) -> int:
        """Pixels that were not the same in all trials."""
        return int((self._moments()[2] > 0).sum())

    @property
    def shown(self) -> int:
        """Trials in which a pixel was changed: of the pixel that was changed least; all trials where noise is not sparse."""
        changed = self.on_count + self.off_count
        return int(changed[changed > 0].min()) if self.sparse and (changed > 0).any() else self.count

    def z(self) -> Array:
        """Correlation times the root of the number of trials; NaN where rate or pixel do not vary."""
        covariance, rate, image = self._moments()
        power = np.outer(rate, image)
        return np.asarray(
            np.where(power > 0, covariance / np.sqrt(np.where(power > 0, power, 1)), np.nan) * sqrt(self.count)
        )

    def kernel(self) -> Array:
        """Slope of the rate on every pixel; 0 at pixels that never change."""
        covariance, _, image = self._moments()
        return np.asarray(np.where(image > 0, covariance / np.where(image > 0, image, 1), 0))

    def maps(self) -> tuple[Array, Array]:
        """ON and OFF map: mean rate where a pixel is bright or dark, less the mean rate; NaN where it never was."""
        mean = (self.rate / self.count)[:, None]
        return tuple(  # type: ignore[return-value]
            np.where(count > 0, total / np.where(count > 0, count, 1) - mean, np.nan)
            for total, count in ((self.on, self.on_count), (self.off, self.off_count))
        )


def _images(rate: xr.DataArray, images: xr.DataArray, stimulus: str) -> tuple[Array, NDArray[np.int64]]:
    """Grey images (stimulus, y, x), and the position of the image of every trial, -1 where there is none."""
    if stimulus not in rate.coords or stimulus not in images.coords:
        raise RecordingError(
            f"analysis.{stimulus}: expected this coordinate of trials and images, got none; record images together with the trials"
        )
    grey = images.values.astype(np.float64)
    grey = grey.mean(axis=1) if grey.ndim == 4 else grey
    if grey.ndim != 3:
        raise RecordingError(
            f"analysis.images: expected (stimulus, y, x) or with channels, got {tuple(images.dims)}; record images"
        )
    known = images.coords[stimulus].values
    order = np.argsort(known, kind="stable")
    wanted = rate.coords[stimulus].values
    at = np.clip(np.searchsorted(known[order], wanted), 0, len(known) - 1)
    place = np.where(known[order][at] == wanted, order[at], -1)
    return grey, place


def _sidak(largest: Array, pixels: int) -> Array:
    """p of the largest |z| among so many pixels of noise."""
    alone = np.array([erfc(value / sqrt(2)) for value in largest])
    return np.array([1.0 if p >= 1 else -np.expm1(pixels * log1p(-p)) for p in alone])


def _dataset(
    rate: xr.DataArray, sums: _Sums, z: Array, largest: Array, p: Array, shape: tuple[int, ...], permutations: int
) -> xr.Dataset:
    kernel = sums.kernel()
    flat = np.abs(kernel)
    peak = flat.argmax(axis=1)
    units = np.arange(len(flat))
    inside = np.where(flat >= flat[units, peak][:, None] / 2, flat, 0)
    y, x = (axis.ravel() for axis in np.indices(shape))
    weight = inside.sum(axis=1)
    known = np.isfinite(z).any(axis=1) & (weight > 0)
    safe = np.where(known, weight, 1)
    noise = 1.4826 * np.median(np.abs(kernel - np.median(kernel, axis=1, keepdims=True)), axis=1)
    snr = np.where(known & (noise > 0), flat[units, peak] / np.where(noise > 0, noise, 1), np.nan)
    maps, per = ("unit", "y", "x"), str(rate.attrs.get("units", "1"))
    named = "permutations" if permutations else "normal approximation over all pixels"

    def of_unit(values: Array, long_name: str, **told: str) -> xr.Variable:
        return variable(("unit",), np.where(known, values, np.nan), long_name, **told)

    variables = {
        "kernel": variable(maps, kernel.reshape(-1, *shape).astype(np.float32), "receptive field, rate per unit of contrast", units=per, symbol="h"),
        "z": variable(maps, z.reshape(-1, *shape).astype(np.float32), "z of the correlation of pixel and rate", symbol="z"),
        "peak_z": of_unit(largest, "largest |z| of the receptive field"),
        "p": of_unit(p, f"p of the largest |z| ({named})", symbol="p"),
        "snr": of_unit(snr, "peak of the receptive field over 1.48 of its median absolute deviation", symbol="SNR"),
        "centre_y": of_unit((inside * y).sum(axis=1) / safe, "row of the centre", units="pixel"),
        "centre_x": of_unit((inside * x).sum(axis=1) / safe, "column of the centre", units="pixel"),
        "diameter": of_unit(2 * np.sqrt((inside > 0).sum(axis=1) / np.pi), "diameter of a disk of the same area", units="pixel"),
        "sign": of_unit(np.sign(kernel[units, peak]), "1 where brighter drives the unit, -1 where darker does"),
        "trials": variable((), sums.count, "trials"),
        "shown": variable((), sums.shown, "trials in which a pixel was changed"),
    }  # fmt: skip
    if sums.sparse:
        for name, values, said in zip(("on", "off"), sums.maps(), ("bright", "dark"), strict=True):
            variables[name] = variable(
                maps,
                values.reshape(-1, *shape).astype(np.float32),
                f"{name.upper()} map: mean rate where a pixel is {said}, less the mean",
                units=per,
            )
    axes = {
        name: variable((name,), np.arange(size), f"{said} of the image", units="pixel")
        for name, size, said in zip(("y", "x"), shape, ("row", "column"), strict=True)
    }
    return result(rate, variables, **axes)
