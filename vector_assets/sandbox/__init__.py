"""The four vendors, OpenAI and Pinecone on localhost, for the demo and the tests.

It answers, filters and pages as the vendors' contracts say. On request it is slow, throttles, fails
or is eventually consistent.
Keep out: code of the product other than `core`.
"""
