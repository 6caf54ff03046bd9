"""What a question says about itself: times, people, places, phrases, states.

By rules alone, without a model; `understanding.py` is the way in.

Keep out: stores and searches, which `index/search.py` and `index/sifting.py` ask for it.
"""
