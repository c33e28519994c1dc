"""The replay server: the shapes of the real answers, and nothing that was not known at the
simulated moment.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.league import write_league
from local.replay import Archive, ArchiveError, create_replay_app
from local.replay.odds_api import event_id
from shared.core.clock import NEW_YORK, at_new_york, new_york_date
from shared.nba.stats import STAT_OF_MARKET
from shared.nba.teams import team_by_abbr, team_by_name

LIVE = "/odds/v4/sports/basketball_nba/events"
PAST = "/odds/v4/historical/sports/basketball_nba/events"
LOG = "/nba/stats/leaguegamelog"
SCHEDULE = "/nba/stats/scheduleleaguev2"
INJURIES = "/espn/apis/site/v2/sports/basketball/nba/injuries"
SEASON = "2025-26"
ASK = {"apiKey": "k", "regions": "us,us_dfs", "oddsFormat": "american"}
GAME_LENGTH = timedelta(hours=3)


class Replay:
    """A client of the server of one archive, whose clock the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.client = create_replay_app(Archive(folder), lambda: self.now).test_client()

    def raw(self, path: str, **query: str):
        return self.client.get(path, query_string=query)

    def get(self, path: str, **query: str):
        response = self.raw(path, **query)
        assert response.status_code == 200, response.text
        return response.json

    def log(self, who: str = "P", **query: str) -> list[dict]:
        result = self.get(LOG, Season=SEASON, SeasonType="Regular Season", PlayerOrTeam=who, **query)["resultSets"][0]
        return [dict(zip(result["headers"], row, strict=True)) for row in result["rowSet"]]

    def games(self, season: str = SEASON) -> dict[str, dict]:
        league = self.get(SCHEDULE, LeagueID="00", Season=season)["leagueSchedule"]
        return {game["gameId"]: game for day in league["gameDates"] for game in day["games"]}


@pytest.fixture(scope="module")
def league(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("replay") / "league"
    write_league(folder, seed=4, seasons=1, teams=4, games_per_team=20)
    return folder


@pytest.fixture(scope="module")
def replay(league) -> Replay:
    return Replay(league)


@pytest.fixture(scope="module")
def replay_without_lists(league, tmp_path_factory) -> Replay:
    folder = tmp_path_factory.mktemp("without") / "league"
    shutil.copytree(league, folder, ignore=shutil.ignore_patterns("injury_report*"))
    return Replay(folder)


@pytest.fixture(scope="module")
def tables(league) -> dict[str, list[dict]]:
    return {path.stem: pq.read_table(path).to_pylist() for path in league.iterdir()}


@pytest.fixture(scope="module")
def samples(nba_archive) -> Path:
    folder = nba_archive.parent / "samples"
    if not folder.is_dir():
        pytest.skip(f"needs the captured answers; {folder} is absent")
    return folder


def format_utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def keys_of(value) -> set[str]:
    """Every path of keys in a JSON value, list positions aside."""
    if isinstance(value, dict):
        inner = {f"{key}.{path}" for key, item in value.items() for path in keys_of(item)}
        return set(value) | inner
    return {path for item in value for path in keys_of(item)} if isinstance(value, list) else set()


# --- nothing that was not known -------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(2025, 10, 20), datetime(2025, 11, 16)).map(  # noqa: DTZ001 - the zone is set here
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0)
)


@given(moment=MOMENTS)
@settings(max_examples=60)
@pytest.mark.heavy
def test_box_scores_and_results_are_exactly_those_of_ended_games(replay, tables, moment):
    replay.now = moment
    ended = {row["game_id"] for row in tables["schedule"] if row["tipoff_utc"] + GAME_LENGTH <= moment}
    expected = {(row["game_id"], row["player_id"]) for row in tables["player_box"] if row["game_id"] in ended}
    assert {(row["GAME_ID"], row["PLAYER_ID"]) for row in replay.log("P")} == expected
    assert {row["GAME_ID"] for row in replay.log("T")} == ended
    for row in tables["schedule"]:
        shown = replay.games()[row["game_id"]]
        over, begun = row["game_id"] in ended, row["tipoff_utc"] <= moment
        assert shown["gameStatus"] == (3 if over else 2 if begun else 1)
        assert shown["homeTeam"]["score"] == (row["home_points"] if over else 0)
        assert shown["awayTeam"]["score"] == (row["away_points"] if over else 0)
        assert shown["gameDateTimeUTC"] == format_utc(row["tipoff_utc"])
    zones = replay.get("/zones/player", date_from="2025-10-01", date_to="2026-06-30")["rows"]
    assert {row["game_id"] for row in zones} == ended


def shown_lines(tables, game_id: str, at: datetime) -> set[tuple]:
    """By brute force: the rows of each book's latest snapshot of a statistic known at a moment."""
    books = defaultdict(list)
    for row in tables["prop_lines"]:
        if row["game_id"] == game_id and row["snapshot_time"] <= at:
            books[row["bookmaker"], row["market"]].append(row)
    found = set()
    for (book, stat), rows in books.items():
        latest = max(row["snapshot_time"] for row in rows)
        found |= {
            (book, stat, row["player_name"], row["line"], row["over_price"], row["under_price"], row["is_main"])
            for row in rows
            if row["snapshot_time"] == latest
        }
    return found


def answered_lines(odds: dict) -> set[tuple]:
    found = set()
    for book in odds["bookmakers"]:
        for market in book["markets"]:
            sides: dict[tuple, dict[str, float]] = defaultdict(dict)
            for outcome in market["outcomes"]:
                sides[outcome["description"], outcome["point"]][outcome["name"]] = outcome["price"]
            for (name, point), prices in sides.items():
                stat = STAT_OF_MARKET[market["key"]]
                main = market["key"] == stat.market
                found.add((book["key"], stat.name, name, point, prices["Over"], prices["Under"], main))
    return found


ALL = {**ASK, "markets": ",".join(STAT_OF_MARKET)}


@given(moment=MOMENTS, later=st.integers(0, 72))
@settings(max_examples=40)
def test_lines_are_exactly_the_latest_snapshots_known(replay, tables, moment, later):
    replay.now = moment
    upcoming = {event_id(row["game_id"]): row for row in tables["schedule"] if row["tipoff_utc"] > moment}
    events = replay.get(LIVE, apiKey="k")
    assert {event["id"] for event in events} == {
        key for key, row in upcoming.items() if row["tipoff_utc"] < moment + timedelta(days=7)
    }
    for event in events[:3]:
        row = upcoming[event["id"]]
        assert team_by_name(event["home_team"]) == team_by_abbr(row["home_abbr"])
        assert team_by_name(event["away_team"]) == team_by_abbr(row["away_abbr"])
        odds = replay.get(f"{LIVE}/{event['id']}/odds", **ALL)
        assert answered_lines(odds) == shown_lines(tables, row["game_id"], moment)
        assert all(book["last_update"] <= format_utc(moment) for book in odds["bookmakers"])
        # A historical question about the future is answered with the present.
        past = replay.get(f"{PAST}/{event['id']}/odds", date=format_utc(moment + timedelta(hours=later)), **ALL)
        assert past["data"] == odds
        assert past["timestamp"] == format_utc(moment)
        earlier = moment - timedelta(hours=later)
        past = replay.get(f"{PAST}/{event['id']}/odds", date=format_utc(earlier), **ALL)
        assert answered_lines(past["data"]) == shown_lines(tables, row["game_id"], earlier)


@given(moment=MOMENTS)
@settings(max_examples=60)
def test_without_lists_the_injury_list_is_who_is_absent_today_from_eleven(replay_without_lists, tables, moment):
    replay = replay_without_lists
    replay.now = moment
    today = new_york_date(moment)
    announced = moment.astimezone(NEW_YORK).time() >= time(11, 0)
    expected = sorted(
        row["player_name"] for row in tables["absences"] if announced and row["game_date"].date() == today
    )
    teams = replay.get(INJURIES)["injuries"]
    assert sorted(item["athlete"]["displayName"] for team in teams for item in team["injuries"]) == expected
    assert all(
        item["status"] == "Out" and item["date"] <= format_utc(moment) for team in teams for item in team["injuries"]
    )


def test_a_game_appears_in_the_second_it_ends_and_leaves_the_odds_at_tip_off(replay, tables):
    game = tables["schedule"][10]
    tipoff, event = game["tipoff_utc"], event_id(game["game_id"])
    second = timedelta(seconds=1)
    replay.now = tipoff - second
    assert replay.get(f"{LIVE}/{event}/odds", markets="player_points", **ASK)["bookmakers"]
    replay.now = tipoff
    assert replay.raw(f"{LIVE}/{event}/odds", markets="player_points", **ASK).status_code == 404
    replay.now = tipoff + GAME_LENGTH - second
    assert game["game_id"] not in {row["GAME_ID"] for row in replay.log()}
    assert event in {item["id"] for item in replay.get(PAST, apiKey="k", date=format_utc(replay.now))["data"]}
    replay.now = tipoff + GAME_LENGTH
    assert game["game_id"] in {row["GAME_ID"] for row in replay.log()}
    assert event not in {item["id"] for item in replay.get(PAST, apiKey="k", date=format_utc(replay.now))["data"]}


def copy_edited(league: Path, target: Path, table: str, **columns) -> Path:
    """A copy of the league with columns of one table replaced; a column is a value or a function of
    the row.
    """
    if not target.exists():
        shutil.copytree(league, target)
    old = pq.read_table(target / f"{table}.parquet")
    rows = old.to_pylist()
    for row in rows:
        row.update({name: value(row) if callable(value) else value for name, value in columns.items()})
    pq.write_table(pa.Table.from_pylist(rows, schema=old.schema), target / f"{table}.parquet")
    return target


def test_a_whole_archive_passes_its_check_and_a_broken_one_is_named(league: Path, tmp_path: Path) -> None:
    Archive(league).check()
    for name, damage in {"absences": _empty, "player_box": _without_points, "game_lines": _garble}.items():
        broken = tmp_path / name
        shutil.copytree(league, broken)
        damage(broken / f"{name}.parquet")
        with pytest.raises(ArchiveError, match=f"{name}.parquet cannot be read: .*Next: "):
            Archive(broken).check()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _without_points(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["points"]), path)


def _garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:-1000] = bytes(len(content) - 1004)  # the footer with the columns is whole, the pages are not
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["file_name_assumed_utc", "unknown_pregame"])
def test_lines_without_a_sure_time_are_known_from_six_in_new_york(league, tmp_path, tables, kind):
    folder = copy_edited(
        league, tmp_path / "untimed", "prop_lines", snapshot_kind=kind,
        snapshot_time=lambda row: row["commence_time"] - timedelta(minutes=1) if kind[0] == "f" else None,
    )  # fmt: skip
    replay = Replay(folder)
    game = tables["schedule"][5]
    path = f"{LIVE}/{event_id(game['game_id'])}/odds"
    six = at_new_york(game["game_date"].date(), time(6, 0))
    replay.now = six - timedelta(seconds=1)
    assert replay.get(path, markets="player_points,totals", **ASK)["bookmakers"] == []
    replay.now = six
    books = replay.get(path, markets="player_points,totals", **ASK)["bookmakers"]
    assert {book["key"] for book in books} >= {"draftkings", "prizepicks", "consensus"}
    assert {book["last_update"] for book in books} == {format_utc(six)}


def test_an_unknown_tip_off_is_tbd_and_taken_from_the_odds_feed_or_nineteen_hours(league, tmp_path, tables):
    game = tables["schedule"][5]
    day = game["game_date"].date()
    fed = at_new_york(day, time(21, 45))
    folder = copy_edited(league, tmp_path / "fed", "schedule", tipoff_utc=None)
    copy_edited(
        league, folder, "prop_lines", commence_time=lambda row: fed if row["game_id"] == game["game_id"] else None
    )
    replay = Replay(folder)
    replay.now = at_new_york(day, time(12, 0))
    shown = replay.games()[game["game_id"]]
    assert (shown["gameStatus"], shown["gameStatusText"]) == (1, "TBD")
    assert shown["gameDateTimeUTC"] == format_utc(at_new_york(day, time(0)))
    events = {event["id"]: event["commence_time"] for event in replay.get(LIVE, apiKey="k")}
    assert events[event_id(game["game_id"])] == format_utc(fed)
    other = next(row for row in tables["schedule"] if row["game_date"].date() > day)
    assumed = at_new_york(other["game_date"].date(), time(19, 0))
    assert events[event_id(other["game_id"])] == format_utc(assumed)
    for row, tipoff in ((game, fed), (other, assumed)):
        replay.now = tipoff + GAME_LENGTH - timedelta(seconds=1)
        assert row["game_id"] not in {line["GAME_ID"] for line in replay.log()}
        replay.now = tipoff + GAME_LENGTH
        assert row["game_id"] in {line["GAME_ID"] for line in replay.log()}


def test_pairings_of_the_post_season_are_not_known_in_advance(league, tmp_path, tables):
    folder = copy_edited(league, tmp_path / "playoffs", "schedule", season_type="playoffs")
    replay = Replay(folder)
    replay.now = at_new_york(date(2025, 10, 21), time(8, 0))
    shown = {game["gameDateEst"][:10] for game in replay.games().values()}
    assert shown == {
        row["game_date"].date().isoformat()
        for row in tables["schedule"]
        if row["game_date"].date() <= date(2025, 10, 23)
    }


# --- the shapes of the real answers ---------------------------------------------------------------


@pytest.fixture(scope="module")
def real(nba_archive) -> Replay:
    return Replay(nba_archive)


def test_the_box_scores_of_a_real_day_are_the_captured_answer(real, samples):
    sample = json.loads((samples / "leaguegamelog_P_2025-03-15.json").read_text())["resultSets"][0]
    answer = real.get(
        LOG, Season="2024-25", SeasonType="Regular Season", PlayerOrTeam="P", DateFrom="03/15/2025", DateTo="2025-03-15"
    )["resultSets"][0]
    assert answer["headers"] == sample["headers"]
    assert answer["name"] == sample["name"]
    fantasy = sample["headers"].index("FANTASY_PTS")  # not archived

    def key(row: list) -> tuple:
        return row[6], row[1]

    ours = [row[:fantasy] for row in sorted(answer["rowSet"], key=key)]
    assert ours == [row[:fantasy] for row in sorted(sample["rowSet"], key=key)]


def test_the_schedule_of_real_days_is_the_captured_answer(real, samples):
    sample = json.loads((samples / "scheduleleaguev2_2025-03-14_to_16.json").read_text())
    real.now = datetime(2025, 8, 27, tzinfo=UTC)
    answer = real.get(SCHEDULE, LeagueID="00", Season="2024-25")
    assert keys_of(answer) <= keys_of(sample)
    ours = real.games("2024-25")
    # Order within a day and today's name of an arena are not in the archive.
    apart = {"gameSequence", "arenaName", "homeTeam", "awayTeam"}
    for day in sample["leagueSchedule"]["gameDates"]:
        for game in day["games"]:
            mine = ours[game["gameId"]]
            for name in mine.keys() - apart:
                assert mine[name] == game[name], (game["gameId"], name)
            for side in ("homeTeam", "awayTeam"):
                assert mine[side] == {name: game[side][name] for name in mine[side]}


def test_odds_answers_have_the_captured_keys(real, samples):
    events = json.loads((samples / "odds_events_historical_2025-03-09.json").read_text())
    real.now = datetime(2025, 12, 31, tzinfo=UTC)
    answer = real.get(PAST, apiKey="k", date=events["timestamp"])
    assert keys_of(answer) == keys_of(events)
    pairs = {(event["home_team"], event["away_team"]) for event in answer["data"]}
    assert pairs >= {(event["home_team"], event["away_team"]) for event in events["data"]}

    sample = json.loads((samples / "odds_event_odds_spreads_totals_2024-01-25.json").read_text())
    # The archive has no lines of the captured game; any other of the same form will do.
    moment = "2025-01-15T22:30:00Z"
    event = real.get(PAST, apiKey="k", date=moment)["data"][0]["id"]
    odds = real.get(f"{PAST}/{event}/odds", apiKey="k", regions="us", markets="spreads,totals", date=moment)
    assert keys_of(odds) == keys_of(sample)


def test_the_real_day_has_nine_games_and_132_players_with_lines(real):
    real.now = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
    events = [event for event in real.get(LIVE, apiKey="k") if event["commence_time"] < "2025-11-15T12"]
    assert len(events) == 9
    players = {
        (event["id"], outcome["description"].replace(".", "").lower())
        for event in events
        for book in real.get(f"{LIVE}/{event['id']}/odds", markets="player_points", **ASK)["bookmakers"]
        for outcome in book["markets"][0]["outcomes"]
    }
    assert len(players) >= 132


def test_the_real_archive_has_lines_of_other_statistics_too(real):
    """Of autumn 2025 there are no sums of two, and threes of two sources."""
    real.now = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
    found = Counter(
        STAT_OF_MARKET[market["key"]].name
        for event in real.get(LIVE, apiKey="k")
        for book in real.get(f"{LIVE}/{event['id']}/odds", **ALL)["bookmakers"]
        for market in book["markets"]
    )
    assert found.keys() == {"points", "rebounds", "assists", "pra", "threes"}


# --- requests and refusals ------------------------------------------------------------------------


def test_team_rows_are_sums_and_margins(replay, tables):
    replay.now = datetime(2030, 1, 1, tzinfo=UTC)
    game = tables["schedule"][3]
    day = game["game_date"].date().isoformat()
    rows = {row["TEAM_ABBREVIATION"]: row for row in replay.log("T", DateFrom=day, DateTo=day)}
    home, away = rows[game["home_abbr"]], rows[game["away_abbr"]]
    assert (home["PTS"], away["PTS"]) == (game["home_points"], game["away_points"])
    assert home["PLUS_MINUS"] == -away["PLUS_MINUS"] == game["home_points"] - game["away_points"]
    assert home["MATCHUP"] == f"{game['home_abbr']} vs. {game['away_abbr']}"
    assert away["MATCHUP"] == f"{game['away_abbr']} @ {game['home_abbr']}"
    assert {home["WL"], away["WL"]} == {"W", "L"}
    players = [row for row in replay.log("P", DateFrom=day, DateTo=day) if row["GAME_ID"] == game["game_id"]]
    assert sum(row["REB"] for row in players) == home["REB"] + away["REB"]
    days = [row["GAME_DATE"] for row in replay.log("P")]
    assert days == sorted(days, reverse=True)
    assert [row["GAME_DATE"] for row in replay.log("P", Direction="ASC")] == sorted(days)


def test_prices_in_both_forms_and_books_by_region(replay, tables):
    game = tables["schedule"][8]
    replay.now = at_new_york(game["game_date"].date(), time(12, 0))
    path = f"{LIVE}/{event_id(game['game_id'])}/odds"
    american = replay.get(path, markets="player_points", **ASK)["bookmakers"]
    decimal = replay.get(path, apiKey="k", markets="player_points", regions="us,us_dfs")["bookmakers"]
    prices = [
        (a["price"], d["price"])
        for one, two in zip(american, decimal, strict=True)
        for a, d in zip(one["markets"][0]["outcomes"], two["markets"][0]["outcomes"], strict=True)
    ]
    for one, two in prices:
        if one is None:
            assert two is None
        else:
            assert two == pytest.approx(1 + (one / 100 if one > 0 else 100 / -one), abs=0.005)
    keys = {}
    for region in ("us", "us_dfs", "uk"):
        books = replay.get(path, apiKey="k", markets="player_points", regions=region)["bookmakers"]
        keys[region] = {book["key"] for book in books}
    assert keys["us_dfs"] == {"prizepicks"}
    assert keys["us"] == {"draftkings", "fanduel", "betmgm", "betrivers"}
    assert keys["uk"] == set()
    only = replay.get(path, apiKey="k", markets="player_points_alternate", bookmakers="betrivers,fanduel")["bookmakers"]
    assert [book["key"] for book in only] == ["betrivers"]


def test_the_quota_headers_count(league):
    replay = Replay(league)
    replay.now = datetime(2025, 10, 21, 12, tzinfo=UTC)
    first = replay.raw(LIVE, apiKey="k")
    event = first.json[0]["id"]
    second = replay.raw(f"{LIVE}/{event}/odds", markets="player_points,totals", **ASK)
    assert first.headers["x-requests-last"] == "0"
    assert second.headers["x-requests-last"] == "4"
    assert second.headers["x-requests-used"] == "4"
    assert second.headers["x-requests-remaining"] == "4999996"


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        (LIVE, {}, 401, "MISSING_KEY"),
        (LIVE, {"apiKey": ""}, 401, "MISSING_KEY"),
        (LIVE, {"apiKey": "k", "commenceTimeFrom": "soon"}, 422, "INVALID_COMMENCE_TIME_FROM"),
        (PAST, {"apiKey": "k"}, 422, "INVALID_HISTORICAL_TIMESTAMP"),
        (PAST, {"apiKey": "k", "date": "2025-13-01T00:00:00Z"}, 422, "INVALID_HISTORICAL_TIMESTAMP"),
        (PAST, {"apiKey": "k", "date": "2025-11-01T00:00:00"}, 422, "INVALID_HISTORICAL_TIMESTAMP"),
        (f"{LIVE}/none/odds", {**ASK, "markets": "player_points"}, 404, "EVENT_NOT_FOUND"),
        (f"{LIVE}/none/odds", {**ASK, "markets": "player_dunks"}, 422, "INVALID_MARKET"),
        (f"{LIVE}/none/odds", {"apiKey": "k", "markets": "totals"}, 422, "MISSING_REGION"),
        (f"{LIVE}/none/odds", {**ASK, "regions": "mars"}, 422, "INVALID_REGION"),
        (f"{LIVE}/none/odds", {**ASK, "oddsFormat": "roman"}, 422, "INVALID_ODDS_FORMAT"),
    ],
)  # fmt: skip
def test_the_odds_api_refuses_in_its_own_form(replay, path, query, status, code):
    response = replay.raw(path, **query)
    assert response.status_code == status
    assert response.json["error_code"] == code
    assert response.json["message"]
    assert response.json["details_url"].startswith("https://the-odds-api.com/")


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (LOG, {"Season": "2025"}, 400),
        (LOG, {"Season": SEASON, "SeasonType": "Summer"}, 400),
        (LOG, {"Season": SEASON, "PlayerOrTeam": "X"}, 400),
        (LOG, {"Season": SEASON, "DateFrom": "11/31/2025"}, 400),
        (SCHEDULE, {}, 400),
        ("/zones/player", {}, 400),
        ("/zones/ball", {"date_from": "2025-11-01", "date_to": "2025-11-01"}, 404),
        ("/elsewhere", {}, 404),
    ],
)
def test_other_sources_refuse_bad_requests(replay, path, query, status):
    assert replay.raw(path, **query).status_code == status


def test_events_within_a_window_of_tip_offs(replay, tables):
    replay.now = datetime(2025, 10, 20, tzinfo=UTC)
    game = tables["schedule"][2]
    edge = format_utc(game["tipoff_utc"])
    within = replay.get(LIVE, apiKey="k", commenceTimeFrom=edge, commenceTimeTo=edge)
    assert {event["commence_time"] for event in within} == {edge}


def test_a_season_outside_the_archive_is_empty(replay):
    assert replay.get(SCHEDULE, Season="2001-02")["leagueSchedule"]["gameDates"] == []
    assert replay.get(LOG, Season="2001-02", PlayerOrTeam="P")["resultSets"][0]["rowSet"] == []


# --- the archive ----------------------------------------------------------------------------------


def test_what_an_archive_covers(league, tables):
    archive = Archive(league)
    days = sorted({row["game_date"].date() for row in tables["schedule"]})
    assert archive.game_days() == archive.game_days(SEASON) == days
    assert (archive.first_date, archive.last_date, archive.seasons) == (days[0], days[-1], [SEASON])
    assert archive.season_of(days[0]) == SEASON
    assert archive.season_of(date(2025, 7, 1)) is None
    assert archive.game_days("1999-00") == []


def test_a_missing_folder_file_or_parquet_is_named(league, tmp_path):
    with pytest.raises(ArchiveError, match="nowhere"):
        Archive(tmp_path / "nowhere")
    folder = tmp_path / "broken"
    shutil.copytree(league, folder)
    (folder / "schedule.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(ArchiveError, match=r"schedule\.parquet"):
        _ = Archive(folder).first_date
    (folder / "schedule.parquet").unlink()
    with pytest.raises(ValueError, match=r"lacks schedule\.parquet"):
        Archive(folder)


def test_shot_zones_are_optional(league, tmp_path):
    folder = tmp_path / "bare"
    shutil.copytree(league, folder, ignore=shutil.ignore_patterns("shot_zones*"))
    assert Replay(folder).get("/zones/team", date_from="2025-10-01", date_to="2026-06-30") == {"rows": []}
