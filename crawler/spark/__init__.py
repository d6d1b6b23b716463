"""`wiretrace link --engine spark`: the batch of `jobs` on a cluster, with its features, candidates and decisions."""
