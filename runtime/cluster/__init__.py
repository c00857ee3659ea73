"""Workers on several machines: who has which rows of a picture, what they tell, what is lost."""
