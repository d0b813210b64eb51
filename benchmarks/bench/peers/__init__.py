"""The methods that the benchmark compares: each takes a Case and gives a Result."""
