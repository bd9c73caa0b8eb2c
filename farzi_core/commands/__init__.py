"""The commands of `python -m farzi_core`: work (demo, distill, evaluate, export), datasets, runs, machine."""
