"""The four vendors, OpenAI and Pinecone on localhost, for the demo and the tests.

It answers as the vendors' contracts say, filters and pages as they do, and can be told to be slow,
to throttle, to fail, to be eventually consistent, and to change.
Keep out: anything of the product; it knows the vendors' wire formats and not our words.
"""
