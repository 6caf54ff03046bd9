"""What a question says about itself: times, people, places, phrases, states.

By rules alone, without a model; `parsed.py` is the way in.

Keep out: stores and searches, which `index/search.py` and `index/post_filter.py` ask for it.
"""
