"""A trial of Palate under faults: clients that check every answer while processes, disks and networks fail."""
