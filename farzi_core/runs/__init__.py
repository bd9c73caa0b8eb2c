"""6. Everything durable: run folders, their workers, the queue. Layout and states: `docs/run-folder.md`.

store, run            make, list, open, rename, delete; one run seen from outside       (no torch)
launcher, slots       start, stop, resume workers; one active run a device, in order    (no torch)
manifest, migrate     which files exist, how far the run is; other schema versions      (no torch)
metrics_log, files    the append-only record; reading what may be hostile               (no torch)
locks, environment    who is alive; on what a run computes                              (no torch until asked)
atomic                every write: old content or new, never a mixture
worker, attempt       the one long process: take the lock, wait, compute, say how it ended
folder, checkpoint    the recorder of a run folder; tensors on disk
"""
