"""Large computations in chunks: the same numbers on one core, on many, after a crash.

identity ─► store (a folder per run id) ◄── conduct ─► engines: serial, pool, ray
              manifest.json, chunk-00000.parquet …       each chunk is a pure function of (config, chunk)

document (what all pages share) ◄── page (a study of candidates), pool_page (a pool of several assets)
"""
