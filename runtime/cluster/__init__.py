"""One picture on several machines: who has which rows, what they tell, and what is lost."""
