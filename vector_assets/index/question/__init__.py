"""What a question says about itself: times, people, places, phrases, states.

By rules alone, without a model; `understanding.py` is the way in.
"""
