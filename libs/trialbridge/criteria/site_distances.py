"""Criteria on the distance to a trial's sites get the points of these sites when the trial is registered."""

from typing import Any

import msgspec

from trialbridge.contracts.events import Site
from trialbridge.criteria import language as q
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology.nearest import hint
from trialbridge.criteria.terminology.places import Circle


def written(place: Circle) -> str:
    """Return a point as criteria have it: degrees with as many digits as they need, at most six."""
    return ",".join(f"{part:.6f}".rstrip("0").rstrip(".") for part in (place.latitude, place.longitude))


def with_points(node: Any, sites: tuple[Site, ...], place: str, problems: Problems) -> Any:
    """Return a criterion in which each location that asks for a distance to sites has their points; notes what is missing."""
    path = f"{place}.{node.__struct_config__.tag}"
    if isinstance(node, q.Not):
        return q.Not(of=with_points(node.of, sites, path, problems))
    if isinstance(node, (q.All, q.Any, q.AtLeast)):
        inner = f"{path}.of" if isinstance(node, q.AtLeast) else path
        members: list[Any] = []
        for number, one in enumerate(node.of):
            members.append(with_points(one, sites, f"{inner}[{number}]", problems))
        return msgspec.structs.replace(node, of=tuple(members))
    return _placed(node, sites, path, problems) if isinstance(node, q.Location) else node


def _placed(leaf: q.Location, sites: tuple[Site, ...], path: str, problems: Problems) -> q.Location:
    if leaf.within_km is None or (leaf.near and not leaf.sites):
        return leaf
    points = list(leaf.near)
    for site, spot in _wanted(leaf, sites, path, problems):
        if site.latitude is None or site.longitude is None:
            message = f"The site {site.id!r} has no latitude and longitude: distances to it cannot be told."
            problems.error("no-place", spot, message)
        else:
            points.append(written(Circle(site.latitude, site.longitude)))
    return msgspec.structs.replace(leaf, sites=(), near=tuple(dict.fromkeys(points)))


def _wanted(leaf: q.Location, sites: tuple[Site, ...], path: str, problems: Problems) -> list[tuple[Site, str]]:
    """Return the sites that count, each with the place in the trial to tell of it."""
    if not leaf.sites:
        found = [(site, f"{path}.within_km") for site in sites if site.status != "closed"]
        if not found:
            problems.error("no-place", f"{path}.within_km", "The trial has no open site that a distance could be to.")
        return found
    known = {site.id: site for site in sites}
    for number, name in enumerate(leaf.sites):
        if name not in known:
            problems.error(
                "unknown-site", f"{path}.sites[{number}]", f"The trial has no site {name!r}.", hint(name, known)
            )
    return [(known[name], f"{path}.sites[{number}]") for number, name in enumerate(leaf.sites) if name in known]
