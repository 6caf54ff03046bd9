"""Random teams of a Jira site, and a model of what each lets people read."""

from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from random import Random
from typing import Any

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.jira.issues import Json, adf, issue, linked, person, stamp
from vector_assets_tests.support.tiny import utc

OLD_DAYS = ("2023-05-05", "2024-01-01", "2025-06-01", "2026-01-20", "2026-02-28")
EVERYONE = frozenset(["everyone"])
CHANGES = (
    "open", "close", "lose", "regain", "rename", "join", "leave", "role", "level", "set level",
    "move into level", "set role", "clear", "assign", "new issue", "edit", "delete", "hide", "move",
)  # fmt: skip


@dataclass
class Team:
    """A random team, and what it lets people read; several share a site."""

    sandbox: Sandbox
    random: Random
    number: int
    people: list[Json] = field(default_factory=list)
    projects: list[Json] = field(default_factory=list)
    issues: list[Json] = field(default_factory=list)
    is_named_public: bool = False

    def __post_init__(self) -> None:
        for n in range(3):
            email = f"p{n}@team{self.number}.example"
            self.people.append(person(f"u{self.number}n{n}", email))
        self.people.append(person(f"u{self.number}hidden", None))
        self.site.jira_group_members[self.group("all")] = self.people
        for name in ("a", "b"):
            self.site.jira_group_members[self.group(name)] = self.some_people()
        for level in self.levels:
            self.site.jira_level_holders[level] = self.some_holders()
        for n in range(2):
            key = f"T{self.number}N{n}"
            self.projects.append({"id": f"{self.number + 1}0{n}", "key": key, "name": key})
            self.site.jira_role_actors[f"{self.projects[-1]['id']}/5"] = self.some_actors()
            if self.random.random() < 0.6:
                self.close(self.projects[-1])
            for _ in range(self.random.randint(1, 2)):
                self.add_issue(self.projects[-1], self.random.choice(OLD_DAYS))
        self.is_named_public = self.random.random() < 0.2

    @property
    def site(self) -> Any:
        return self.sandbox.workspace.site

    @property
    def levels(self) -> list[str]:
        return [f"{self.number + 1}7{n}" for n in range(2)]

    def group(self, name: str) -> str:
        return f"g{self.number}{name}"

    def some_people(self) -> list[Json]:
        return self.random.sample(self.people, self.random.randint(0, len(self.people)))

    def some_actors(self) -> list[Json]:
        return [
            {"actorUser": {"accountId": each["accountId"]}} for each in self.some_people()
        ] + self.random.choice([[], [{"actorGroup": {"groupId": self.group("b")}}]])

    def some_holders(self) -> list[Json]:
        holders = [
            {"type": "group", "value": self.group("a")},
            {"type": "group", "value": self.group("b")},
            {"type": "projectRole", "value": "5"},
            {"type": "reporter"},
            {"type": "assignee"},
            {"type": "userCustomField", "value": "customfield_1"},
            {"type": "user", "value": self.people[0]["accountId"]},
        ]
        return self.random.sample(holders, self.random.randint(1, 2))

    def close(self, project: Json) -> None:
        self.site.jira_project_browsers[project["id"]] = self.some_holders()

    def add_issue(self, project: Json, day: str) -> None:
        """Add an issue of one or a few chunks, maybe limited, and maybe linked to another."""
        number = self.number * 100 + len(self.issues)
        words = " ".join(f"w{n}" for n in range(self.random.choice((2, 60))))
        made = issue(
            number,
            summary=f"Secret{number}x",
            description=adf(f"badger {words}"),
            reporter=self.random.choice(self.people),
            assignee=self.random.choice([None, *self.people]),
            customfield_1=self.random.choice([None, *self.people]),
            updated=utc(f"{day}T{self.random.randint(8, 19):02}:00"),
        )
        made["key"] = f"{project['key']}-{number}"
        made["fields"]["project"] = project
        match self.random.choice(("level", "role", "free", "free")):
            case "level":
                self.set_level(made)
            case "role":
                set_role(made)
        others = self.shown_issues
        if others and self.random.random() < 0.5:
            other = self.random.choice(others)
            other["fields"]["issuelinks"] += linked(made)
            other["fields"]["updated"] = max(
                other["fields"]["updated"], made["fields"]["updated"], key=str
            )
            made["fields"]["issuelinks"] = linked(other)
        self.issues.append(made)
        self.sandbox.workspace.issues.append(made)

    @property
    def shown_issues(self) -> list[Json]:
        return [each for each in self.issues if self.is_shown(each)]

    def is_shown(self, raw: Json) -> bool:
        return (
            raw in self.sandbox.workspace.issues
            and raw["id"] not in self.site.jira_hidden_issue_ids
            and raw["fields"]["project"]["key"] not in self.site.jira_hidden_projects
        )

    def set_level(self, raw: Json) -> None:
        level = self.random.choice(self.levels)
        raw["fields"]["security"] = {"id": level, "name": "Staff"}
        raw["fields"].pop("issuerestriction", None)

    def change(self, day: str) -> None:
        """Let some of what may happen in a day happen."""
        for _ in range(self.random.randint(1, 5)):
            project = self.random.choice(self.projects)
            self.change_project(project, self.random.choice(CHANGES), day)

    def change_project(self, project: Json, kind: str, day: str) -> None:
        hidden = self.site.jira_hidden_projects
        match kind:
            case "open":
                self.site.jira_project_browsers.pop(project["id"], None)
            case "close":
                self.close(project)
            case "lose" if project["key"] not in hidden:
                hidden.append(project["key"])
            case "regain" if project["key"] in hidden:
                hidden.remove(project["key"])
            case "rename" if project["key"] not in hidden:
                project["key"] += "X"
                for raw in self.issues:
                    raw["key"] = f"{raw['fields']['project']['key']}-{raw['key'].split('-')[1]}"
            case "join" | "leave":
                name = self.group(self.random.choice("ab"))
                self.site.jira_group_members[name] = self.some_people()
            case "role":
                self.site.jira_role_actors[f"{project['id']}/5"] = self.some_actors()
            case "level":
                self.site.jira_level_holders[self.random.choice(self.levels)] = self.some_holders()
            case "new issue":
                self.add_issue(project, day)
            case _ if issues := self.shown_issues:
                self.change_issue(self.random.choice(issues), kind, project, day)

    def change_issue(self, raw: Json, kind: str, project: Json, day: str) -> None:
        fields = raw["fields"]
        # A security scheme of a project may be exchanged, which updates no issue.
        if kind not in ("move into level", "hide", "delete"):
            fields["updated"] = stamp(utc(f"{day}T20:00"))
        match kind:
            case "set level" | "move into level":
                self.set_level(raw)
            case "set role":
                set_role(raw)
            case "clear":
                fields["security"] = fields["issuerestriction"] = None
            case "assign":
                fields["assignee"] = self.random.choice(self.people)
            case "edit":
                fields["description"] = adf("badger edited")
            case "delete":
                self.sandbox.workspace.issues.remove(raw)
            case "hide":
                self.site.jira_hidden_issue_ids.append(raw["id"])
            case "move":
                fields["project"] = project
                raw["key"] = f"{project['key']}-{raw['key'].split('-')[1]}"

    def readers_of(self, raw: Json) -> frozenset[str]:
        """Return the e-mails of those who may read an issue, as far as the account can see."""
        if not self.is_shown(raw):
            return frozenset()
        fields, project = raw["fields"], raw["fields"]["project"]
        limits = []
        browsers = self.site.jira_project_browsers.get(project["id"])
        if browsers is not None and project["key"] != self.public_key:
            limits.append(self.people_of(browsers, fields))
        if fields.get("security"):
            holders = self.site.jira_level_holders[fields["security"]["id"]]
            limits.append(self.people_of(holders, fields))
        elif fields.get("issuerestriction"):
            limits.append(self.people_of([{"type": "projectRole", "value": "5"}], fields))
        return reduce(and_, limits) if limits else EVERYONE

    @property
    def public_key(self) -> str:
        """Key of the project that JIRA_PUBLIC_PROJECTS names."""
        return f"T{self.number}N0" if self.is_named_public else ""

    def people_of(self, holders: list[Json], fields: Json) -> frozenset[str]:
        people: list[Json] = []
        groups = self.site.jira_group_members
        for holder in holders:
            match holder["type"]:
                case "group":
                    people += groups[holder["value"]]
                case "user":
                    people.append(self.people[0])
                case "projectRole":
                    for actor in self.site.jira_role_actors[f"{fields['project']['id']}/5"]:
                        if "actorGroup" in actor:
                            people += groups[actor["actorGroup"]["groupId"]]
                        else:
                            wanted = actor["actorUser"]["accountId"]
                            people += [p for p in self.people if p["accountId"] == wanted]
                case "userCustomField":
                    people.append(fields["customfield_1"] or {})
                case kind:
                    people.append(fields[kind] or {})
        return frozenset(each["emailAddress"] for each in people if "emailAddress" in each)


def set_role(raw: Json) -> None:
    roles = {"issuerestrictions": {"projectrole": [{"id": "5"}]}}
    raw["fields"]["issuerestriction"] = roles
    raw["fields"]["security"] = None
