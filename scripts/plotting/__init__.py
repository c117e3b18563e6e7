"""Pictures of a sweep; scripts/plot_sweep.py is the program."""
