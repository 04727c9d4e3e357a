"""What must stand before any test module is imported."""

from simulations.compiled import use_cache_folder

use_cache_folder()
