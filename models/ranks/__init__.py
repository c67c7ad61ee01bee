"""Many processes that train one network: who holds which rows, and what they tell each other."""
