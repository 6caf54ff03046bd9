"""Slack's mark-up becomes what a person reads."""

import pytest

from vector_assets.sources.slack.mrkdwn import HIDDEN_CHANNEL, first_line, markdown


class FewNames:
    def user(self, user_id: str) -> str:
        return {"U1": "Ann Lee"}.get(user_id, user_id)

    def channel(self, channel_id: str) -> str:
        return {"C1": "billing"}.get(channel_id, HIDDEN_CHANNEL)

    def usergroup(self, usergroup_id: str) -> str:
        return {"S1": "platform"}.get(usergroup_id, usergroup_id)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt; stays escaped once", "&lt; stays escaped once"),
        ("&gt; quoted", "> quoted"),
        ("<@U1> and <@U9>", "@Ann Lee and @U9"),
        ("<@U9|zoe>", "@zoe"),
        ("<@U1>how? <@U1>, <@U1>'s", "@Ann Lee how? @Ann Lee, @Ann Lee's"),
        ("<#C1> <#C9|secret> <#C9|>", "#billing #private-channel #private-channel"),
        ("<!here> <!channel> <!everyone|everyone>", "@here @channel @everyone"),
        ("<!subteam^S1> <!subteam^S2|@web> <!subteam^S3>", "@platform @web @S3"),
        ("<!date^1392734382^Posted {date_num}^https://x.io|2014-02-18>", "2014-02-18"),
        ("<!date^1392734382^{date_num}>", "2014-02-18 14:39 UTC"),
        ("<!date^soon^{date_num}>", "soon"),
        ("<!new|its words> <!new>", "its words @new"),
        ("<https://x.io/a?b=1&amp;c=2>", "https://x.io/a?b=1&c=2"),
        ("<https://x.io/a|the page>", "[the page](https://x.io/a)"),
        ("<https://x.io|x.io>", "x.io"),
        ("<https://x.io/a_(b)|paren>", "[paren](<https://x.io/a_(b)>)"),
        ("<https://x.io|[WIP] fix>", "[(WIP) fix](https://x.io)"),
        ("<mailto:a@x.io|a@x.io>", "a@x.io"),
        ("*bold* and *two words*.", "**bold** and **two words**."),
        ("*<https://x.io/*|starred>*", "**[starred](https://x.io/*)**"),
        ("2*3*4 and 2 * 3 * 4", "2*3*4 and 2 * 3 * 4"),
        ("_it_ :wave: :+1:", "_it_ 👋 👍"),
        (":tada::wave::skin-tone-3:!", "🎉👋!"),
        (":shipit: is only ours", ":shipit: is only ours"),
        ("at 10:100:20 and `:wave:`", "at 10:100:20 and `:wave:`"),
        ("~old~ new", "~~old~~ new"),
        ("<https://x.io/~ann> and <https://x.io/~ben>", "https://x.io/~ann and https://x.io/~ben"),
        ("`*not bold* &lt;T&gt;`", "`*not bold* <T>`"),
        ("```one line```", "```one line```"),
        ("see:\n```*a*\n  ~b~```\ndone", "see:\n```\n*a*\n  ~b~\n```\n\ndone"),
        ("```curl <http://x.io/a>\nok```", "```\ncurl http://x.io/a\nok\n```\n"),
        ("• one\n    ◦ two", "- one\n    - two"),
        ("<nick> said something", "<nick> said something"),
        ("<|empty>", "<|empty>"),
        ("a\x00b", "ab"),
        ("", ""),
    ],
)
def test_mark_up_is_read_as_a_person_reads_it(raw: str, read: str) -> None:
    assert markdown(raw, FewNames()) == read


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\n\n**Outage** in [billing](https://x.io/a)\nmore", "Outage in billing"),
        ("> quoted", "quoted"),
        ("```\ncode\n```", "code"),
        ("one two three four five", "one two three…"),
        ("x" * 30, "x" * 18 + "…"),
        ("", ""),
    ],
)
def test_a_title_is_the_first_line_without_marks_cut_at_a_word(text: str, title: str) -> None:
    assert first_line(text, 19) == title
