"""The rows as Markdown, a table for each kind."""


def cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value).replace("|", "/")


def table(records: list[dict]) -> str:
    parts = []
    for kind in dict.fromkeys(record["kind"] for record in records):
        here = [record for record in records if record["kind"] == kind]
        columns = list(dict.fromkeys(name for record in here for name in record if name not in ("kind", "said")))
        columns += ["said"] if any(record.get("said") for record in here) else []
        lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        lines += [f"| {' | '.join(cell(record.get(name)) for name in columns)} |" for record in here]
        parts.append("\n".join([f"**{kind}**", "", *lines]))
    return "\n\n".join(parts)
