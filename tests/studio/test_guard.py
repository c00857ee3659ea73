"""Who may ask: hosts, origins, tokens, and what every answer tells a browser."""

from collections.abc import Callable, Iterator

import pytest
from open_studio import opened
from studio_client import Client, picture, usual

from stylize.studio.guard import known_hosts

TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A studio for this machine alone, as it is by default."""
    with opened(tmp_path_factory.mktemp("plain"), workers=0) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A studio with a token, asked without."""
    with opened(tmp_path_factory.mktemp("guarded"), workers=0, token=TOKEN) as client:
        del client.headers["Authorization"]
        yield client


class TestHosts:
    @pytest.mark.parametrize("host", ["localhost:{}", "127.0.0.1:{}", "[::1]:{}", "LocalHost:{}"])
    def test_of_this_machine_are_known(self, plain: Client, host: str) -> None:
        assert plain.get("/api/health", Host=host.format(plain.port)).status == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example:{}",
            "localhost.evil.example:{}",
            "127.0.0.1.evil.example:{}",
            "127.0.0.1",
            "127.0.0.1:1",
            "192.168.1.1:{}",
            "localhost:{}:1",
            "a@localhost:{}",
            "",
        ],
    )
    def test_of_others_are_refused(self, plain: Client, host: str) -> None:
        """Else a stranger's name that leads here would make a stranger's page ours."""
        answer = plain.get("/api/jobs", Host=host.format(plain.port))
        assert answer.status == 421
        assert answer.told["error"].startswith("This studio is not called")

    def test_in_digits_are_known_where_others_may_ask(self) -> None:
        known = known_hosts((), 8765, open_to_others=True)
        assert known("192.168.1.1:8765")
        assert known("[fe80::1]:8765")
        assert not known("evil.example:8765")

    def test_that_are_named_are_known_at_any_port(self) -> None:
        known = known_hosts(("Studio.example.org",), 8765, open_to_others=True)
        assert known("studio.example.org")
        assert known("studio.example.org:443")
        assert not known("example.org")


class TestOrigins:
    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "http://127.0.0.1:1", "null", "", "http://["]
    )
    def test_of_others_post_nothing(self, plain: Client, origin: str) -> None:
        answer = plain.post(*usual(picture(size=(50, 40))), headers={"Origin": origin})
        assert answer.status == 403
        assert all(job["photo"]["width"] == 48 for job in plain.get("/api/jobs").told["jobs"])

    def test_of_the_page_itself_may(self, plain: Client) -> None:
        told = {"Origin": f"http://127.0.0.1:{plain.port}", "Sec-Fetch-Site": "same-origin"}
        assert plain.post(*usual(), headers=told).status == 202

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_are_told_by_browsers_in_another_way_too(self, plain: Client, site: str) -> None:
        told = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
        assert plain.ask("GET", "/api/health", headers=told).status == 403
        told |= {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert plain.post(*usual(), headers=told).status == 403
        assert plain.ask("GET", "/api/health", headers=told).status == 200, "a link was followed"
        told["Sec-Fetch-Dest"] = "iframe"
        assert plain.ask("GET", "/api/health", headers=told).status == 403


class TestTokens:
    def test_are_made_where_others_reach_it(self, studio: Callable[..., Client]) -> None:
        client = studio(workers=0, names=("studio.example.org",))
        token = client.headers.pop("Authorization").removeprefix("Bearer ")
        assert len(token) >= 32
        for path in ("/", "/api/health", "/config.json", "/api/openapi.json", "/nothing"):
            answer = client.get(path)
            assert answer.status == 401
            assert answer.told["error"].startswith("The token is missing or wrong.")
        assert client.post(*usual()).status == 401
        assert client.get("/api/health", Authorization=f"bearer {token}").status == 200

    @pytest.mark.parametrize(
        "given", ["", "Bearer", "Bearer x", f"Basic {TOKEN}", TOKEN, "Bearer é"]
    )
    def test_that_are_wrong_let_nobody_in(self, guarded: Client, given: str) -> None:
        assert guarded.ask("GET", "/api/health", headers={"Authorization": given}).status == 401

    def test_open_the_page_once_and_stay_in_a_cookie(self, guarded: Client) -> None:
        assert guarded.get(f"/?token={TOKEN[:-1]}").status == 401
        answer = guarded.get(f"/?token={TOKEN}")
        assert (answer.status, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert cookie == f"stylize-{guarded.port}={TOKEN}; HttpOnly; Path=/; SameSite=strict"
        assert guarded.get("/api/health", Cookie=cookie.partition(";")[0]).status == 200
        assert guarded.get("/api/health", Cookie=f"stylize-{guarded.port}=x").status == 401
        other = f'odd={{"a": "b"}}; {cookie.partition(";")[0]}'
        assert guarded.get("/api/health", Cookie=other).status == 200, "of another program"
        assert guarded.get(f"/api/health?token={TOKEN}").status == 401, "addresses are written down"

    def test_stay_secret_where_the_proxy_has_a_certificate(self, guarded: Client) -> None:
        answer = guarded.get(f"/?token={TOKEN}", **{"X-Forwarded-Proto": "https"})
        assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/api/health", "/nothing", "/api/jobs/x"])
def test_every_answer_tells_browsers_what_they_may(plain: Client, path: str) -> None:
    for answer in (plain.get(path), plain.get(path, Host="evil.example")):
        headers = answer.headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
