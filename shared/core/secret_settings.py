"""What a setting that is a secret, or may hold one, has to look like; no message here quotes a
value.

A proxy's address with a / in its password, or without a scheme, is read by an HTTP library as
another host and port, and quoted whole in its error. So it is refused at the start, by the name of
the setting and the rule it breaks.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from shared.core.errors import ConfigError
from shared.core.redaction import PIECE, SHORTEST, protect, protect_login

# As httpx speaks to a proxy; SOCKS needs a package that is not locked.
PROXY_SCHEMES = ("http", "https")
LONGEST_KEY, LONGEST_HOOK = 256, 2_000
# Where no certificate is needed: nothing leaves the machine.
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_KEY = re.compile(r"[!-~]+")
# RFC 3986: userinfo without its colon, and a host by name or number.
_PART = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_LOGIN = re.compile(rf"(?P<user>{_PART})(?::(?P<password>{_PART}))?")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]{{2,45}}\])")
_ENCODE = "percent-encode what is special in user and password (/ is %2F, @ is %40, : is %3A, # is %23, % is %25)"
_EXAMPLE = "write it as http://user:password@host:port"


def check_key(name: str, value: str) -> None:
    """A key as a source gives it out. Raises ConfigError."""
    if not value:
        return
    if not _KEY.fullmatch(value):
        raise _broken(name, "has white space or another character that no key has", "store the key alone, in one line")
    if not SHORTEST <= len(value) <= LONGEST_KEY:
        rule = f"has not {SHORTEST} to {LONGEST_KEY} characters"
        raise _broken(name, rule, "store the whole key; one so short could not be kept out of a log")


def check_proxy_url(name: str, value: str) -> None:
    """The address of a proxy, scheme://user:password@host:port; login and port may be left out.

    Raises ConfigError.
    """
    if not value:
        return
    if not _KEY.fullmatch(value):
        raise _broken(name, "has white space or a character beyond ASCII", f"store it in one line; {_ENCODE}")
    scheme, separator, rest = value.partition("://")
    if not separator or scheme.lower() not in PROXY_SCHEMES:
        raise _broken(name, f"does not begin with {' or '.join(f'{each}://' for each in PROXY_SCHEMES)}", _EXAMPLE)
    authority = rest.removesuffix("/")
    login, at, address = authority.rpartition("@")
    if re.search(r"[/?#\\@]", login) or re.search(r"[/?#\\@]", address):
        raise _broken(name, "has a / ? # \\ or @ before its end that is not percent-encoded", f"{_ENCODE}; no path")
    found = _LOGIN.fullmatch(login)
    if found is None:
        raise _broken(name, "has a login with a character that is not percent-encoded", _ENCODE)
    password = unquote(found["password"] or "", errors="replace")
    if at and (not found["user"] or not unquote(f"{found['user']}{password}").isprintable()):
        raise _broken(name, "has a login without a user, or with what cannot be printed", _EXAMPLE)
    if found["password"] is not None and len(password) < SHORTEST:
        rule = f"has a password of fewer than {SHORTEST} characters"
        raise _broken(name, rule, "give the proxy a longer one; one so short could not be kept out of a log")
    host, colon, port = _host_and_port(address)
    if not _HOST.fullmatch(host):
        raise _broken(name, "has no host that is a name or an address", _EXAMPLE)
    if colon and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65_536):
        raise _broken(name, "has a port that is no number from 1 to 65535", f"{_EXAMPLE}; {_ENCODE}")


def check_base_url(name: str, value: str) -> None:
    """An address that is no secret, and so may not hold one: it is logged and kept.

    Raises ConfigError.
    """
    if re.search(r"[\s\x00-\x1f\x7f@?#]", value):
        raise _broken(
            name,
            "has white space, a login (@) or what follows a ? or #",
            "give the address alone, as https://host/path",
        )


def is_this_machine(host: str) -> bool:
    """Whether what is sent to a host stays on this machine."""
    return host.lower() in _THIS_MACHINE


def check_hook(name: str, value: str) -> None:
    """The address of a web-hook: https, but for this machine; path and query may be the secret.

    Raises ConfigError.
    """
    example = "write it as https://host/path"
    if not _KEY.fullmatch(value) or len(value) > LONGEST_HOOK:
        raise _broken(name, "has white space or a character that no address has, or is too long", example)
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _broken(name, "has no host and port that can be read", example) from None
    named = _HOST.fullmatch(f"[{host}]" if ":" in host else host)
    if named is None or "@" in parts.netloc or "\\" in value or parts.fragment:
        raise _broken(name, "has a login, a # or no host that is a name or an address", example)
    if port == 0 or (parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(host))):
        raise _broken(name, "is not https to another machine", example)


def protect_hook(value: str) -> None:
    """Make known to the redaction what of a web-hook's address is no ordinary word: parts of its
    path, and values of its query.
    """
    _, _, rest = value.partition("://")
    path, _, query = rest.partition("/")[2].partition("?")
    telling = [part for part in path.split("/") if len(part) >= PIECE and not part.islower()]
    telling += [part for part in path.split("/") if len(part) >= 2 * PIECE]
    protect(*telling, *(each for _, each in parse_qsl(query) if len(each) >= PIECE))


def protect_key(value: str) -> None:
    """Make a key known to the redaction."""
    protect(value)


def protect_proxy(value: str) -> None:
    """Make the login in a proxy's address known to the redaction, however the address is
    spelled.
    """
    login, at, _ = value.rpartition("://")[2].rpartition("@")
    if at:
        user, _, password = login.partition(":")
        protect_login(user, password)


def _host_and_port(address: str) -> tuple[str, str, str]:
    if address.startswith("["):
        host, bracket, rest = address.partition("]")
        return host + bracket, rest[:1], rest[1:] if rest[:1] in ("", ":") else "x"
    return address.partition(":")


def _broken(name: str, rule: str, next_step: str) -> ConfigError:
    return ConfigError(f"{name} {rule} (its value is not shown).", next_step=f"{next_step}.")
