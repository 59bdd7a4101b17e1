"""What the words of a refusal mean, as mail systems of thirty years have put it.

One table, the first match counts. The patterns look for the few words that such sentences share,
not for whole sentences, so that a server never met says something, too.
"""

import re
from dataclasses import dataclass
from typing import Final

_MAX_CHARACTERS: Final = 1500
"""Servers say it in the first lines; time must not grow with what strangers append."""


@dataclass(frozen=True)
class Meaning:
    """What a refusal comes to: a code for it, and whether the address itself is no good."""

    name: str
    code: str
    hard: bool
    sure: bool = True


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_MEANINGS: Final = (
    (Meaning("mailbox-full", "x.2.2", hard=False), _words(
        r"(?:mail ?box|mail-?folder|inbox|account|user|recipient|storage|disk|directory)\b"
        r".{0,40}\b(?:is |are |was |has been )?(?:too )?(?:full|exceeded|over)",
        r"over[- ]?quota|quota.{0,30}(?:exceed|violat|full|reached)|exceed\w*.{0,30}quota",
        r"exceed\w*.{0,40}(?:storage|mailbox|disk)|(?:storage|mailbox|disk).{0,30}exceed",
        r"(?:mailbox|mail ?box) .{0,20}full|full mailbox|not enough (?:storage|disk|space)",
        r"insufficient (?:system )?(?:storage|disk|quota)|out of (?:disk )?(?:space|storage)",
        r"no space left|mailbox size limit|mailbox has no (?:more )?space|容量|満杯|一杯|いっぱい",
        r"(?:postfach|mailbox|boîte|casella|buzón).{0,30}(?:voll|vol\b|pleine|piena|llen)",
        r"disc quota|message store.{0,20}full|maildir(?:ectory)? .{0,20}full",
    )),
    (Meaning("too-big", "5.3.4", hard=False), _words(
        r"(?:message|mail|e-?mail|content|data)\b.{0,40}"
        r"(?:too (?:big|large)|size (?:exceed|limit)|exceed\w* .{0,40}size|larger than)",
        r"(?:max(?:imum)?|fixed) .{0,30}size|size limit|message (?:size|length) .{0,30}exceed",
        r"exceed\w* .{0,30}(?:size|length)|too large|nachricht.{0,20}zu gro",
    )),
    (Meaning("loop", "5.4.6", hard=False), _words(
        r"too many (?:mail )?hops|hop count|mail(?:er)? loop|(?:routing|forwarding|mail) loop"
        r"|loops back|delivered-to.{0,30}(?:loop|yet|already)|loop detected|looping",
    )),
    (Meaning("sender-refused", "5.1.8", hard=False), _words(
        r"(?:domain of )?\b(?:sender|envelope from|mail from|from address)\b.{0,80}"
        r"(?:not exist|rejected|unknown|not found|invalid|verif|unresolvable|not resolve|denied)",
    )),
    (Meaning("broken-there", "5.3.0", hard=False), _words(
        r"(?:could|can)(?: not|n'?t|not) (?:create|open|write|lock|execute)|procmail|i/o error"
        r"|exit (?:status|code)|command (?:died|failed|terminated)|local configuration|(?:mail )?"
        r"system (?:error|config)|internal (?:server )?error|mailer error|software caused",
    )),
    (Meaning("no-mail-here", "5.1.10", hard=True), _words(
        r"null ?mx|does not accept (?:any )?(?:e-?)?mail|doesn'?t accept (?:any )?mail",
        r"no mail (?:is )?accepted (?:here|at this)|not accepting (?:any )?mail for this domain",
        r"does not (?:receive|accept) (?:incoming )?mail",
        r"(?:host|domain).{0,20}never accepts? mail|we do not accept mail",
    )),
    (Meaning("moved", "5.1.6", hard=True), _words(
        r"has moved to|(?:user|recipient|mailbox|address) (?:has )?(?:moved|changed)",
        r"no longer (?:in use|valid).{0,40}(?:new|use|please)|new (?:e-?mail )?address is",
        r"address (?:has been )?(?:replaced|changed)",
    )),
    (Meaning("disabled", "5.2.1", hard=False), _words(
        r"(?:account|mailbox|user|recipient|address|id)\b.{0,40}\b(?:is |been |are |was )?"
        r"(?:currently |temporarily |now )?(?:disabled|suspended|inactive|deactivated|locked"
        r"|frozen|blocked|on hold|expired|discontinued|closed)",
        r"(?:disabled|inactive|suspended|expired|deactivated) (?:account|user|mailbox|recipient)",
        r"not active|sleeping",
    )),
    (Meaning("unknown-host", "5.1.2", hard=True), _words(
        # no colon between, since what a host "said: …" is mostly about a user
        r"(?:host|domain|server|name)\b[^:]{0,60}(?:not (?:be )?found|unknown|does ?n[o']t exist"
        r"|non-?existent|no such|not exist|invalid|could ?n[o']t be (?:found|resolved))",
        r"(?:unknown|no such|invalid|bad|unresolvable|illegal|unrouteable|unroutable|nonexistent)"
        r" (?:mail |local )?(?:host|domain|server)\b(?! name in)",
        r"nxdomain|name or service not known|no mx\b",
        r"no (?:valid )?(?:mx|dns) (?:record|entry|host)",
        r"(?:couldn'?t|can'?t|cannot|unable to|not) (?:be )?(?:find|resolve|route|locate|look ?up)"
        r"\w*.{0,30}\b(?:host|domain|server|mx)\b",
        r"dns (?:error|lookup|failure|server returned)|mx .{0,20}invalid",
        r"all relevant mx|name server.{0,30}(?:fail|error|not found)|host lookup did not complete",
        r"(?:domain|host) .{0,60}ungültig|domínio.{0,20}(?:não|inv)",
        r"domain (?:is )?not reachable",
    )),
    (Meaning("unknown-user", "5.1.1", hard=True), _words(
        r"(?:user|recipient|mailbox|mail ?box|address|account|alias|person|addressee|rcpt|name"
        r"|customer|subscriber|e-?mail|member|mail drop|local part|id)\b"
        r"[^.\n]{0,60}\b(?:unknown"
        r"|not (?:be )?(?:found|exist|known|listed|valid|local|recogni[sz]ed"
        r"|a valid|our|registered|in (?:the )?)|does ?n[o']t(?:'t)? (?:exist|have)|no such|invalid"
        r"|unavailable: user|non-?existent|undeliverable|was ?n[o']t found|could ?n[o']t be found"
        r"|could not be found|isn'?t (?:valid|known)|is incorrect)",
        r"(?:unknown|no such|invalid|bad|illegal|nonexistent|non-existent|undefined|incorrect"
        r"|unrecogni[sz]ed|unrouteable|unroutable|wrong) (?:local )?(?:virtual )?(?:e-?mail )?"
        r"(?:user|recipient|mailbox|address|account|alias|person|id|local[- ]part|destination|name"
        r"|rcpt|mail ?box)",
        r"no (?:mailbox|account|user|recipients?|one|valid recipients?|person)\b.{0,50}"
        r"(?:here|by that name|with that name|by this name|found|exist|for)",
        r"don'?t have (?:a|an) (?:user|account|mailbox)|(?:user|mailbox|account).{0,20}has been"
        r" (?:removed|deleted|terminated)"
        r"|not (?:a |our )(?:valid |known )?(?:user|customer|recipient"
        r"|mailbox|member|address)|is not (?:a )?(?:known|valid)|not listed in|no longer "
        r"(?:available|valid|with|employed|exist|here|on server|an? (?:valid|employee|active))",
        r"(?:addressee|user|recipient|mailbox|account) (?:does|did|is|was)? ?(?:not|n't) "
        r"(?:exist|found|known)|recipient address rejected: (?:user|undeliverable)|nosuchuser",
        r"\b550\b.{0,60}mailbox unavailable",
        r"(?:couldn'?t|cannot|can't|unable to|could not) (?:be )?(?:find|found|verify|locate|"
        r"resolve)\b.{0,40}(?:user|recipient|mailbox|address|account|alias)?",
        r"address not found|not a(?:n)? (?:valid|known) (?:user|mailbox|address|recipient)",
        r"unbekannt\w* .{0,20}(?:benutzer|empfänger|adress)|(?:benutzer|empfänger|adresse).{0,40}"
        r"(?:unbekannt|existiert nicht|nicht gefunden)|usuario desconocido|utilisateur inconnu",
        r"check (?:if |that |whether )?(?:the |this )?(?:e-?mail )?address(?: is correct)?"
        r"|recipient address rejected: access denied|リストにありません",
        r"(?:宛先|ユーザ|メールアドレス|受信者).{0,40}(?:不明|見つか|存在|ありません|間違)|見つかりません"
        r"|user not found|пользовател|не найден|不存在|没有找到|查無",
        r"dosn'?t exist|does ?n[o']t exist|isn'?t (?:a|an) (?:valid|known)|no such (?:user|person)",
    )),
    (Meaning("listed", "5.7.1", hard=False), _words(
        r"spam|virus|malware|phish|black ?list|block ?list|\b(?:dns)?[rb]bl\b|dmarc|\bspf\b|dkim"
        r"|reputation|unsolicited|\bjunk\b|infected|barracuda|reverse dns|\bptr\b",
    )),
    (Meaning("not-reached", "4.4.7", hard=False, sure=False), _words(
        r"(?:retry|retries|delivery|message|queue|transmission|time).{0,40}(?:time ?-?out"
        r"|timed out|expired|exceeded|too long|attempts|given up)",
        r"connection (?:timed out|refused|dropped|reset|lost|closed|to .{0,40}fail)|timed? ?-?out",
        r"(?:could|can)(?: not|n't|not) (?:be )?(?:reach|connect|contact|establish)|not responding",
        r"(?:delivery|message|mail).{0,40}(?:delay|not yet been delivered|still being retried)",
        r"(?:deferred|will (?:be )?re-?tr|will continue (?:to )?tr)|no route to host|giving up"
        r"|network (?:error|unreachable)|within \d+ (?:days|hours|minutes)|queue too long",
        r"did ?n[o']t accept (?:our )?(?:requests|connection)|応答|temporary (?:problem|failure)",
    )),
    (Meaning("refused", "5.7.1", hard=False, sure=False), _words(
        r"blocked|denied|policy|relay|not permitted|not allowed|prohibited|forbidden|refused"
        r"|rejected|permission|unauthori[sz]ed|restricted|authenticat|banned",
    )),
)  # fmt: skip
"""First what says most: a full mailbox is "over quota for user", and no unknown user."""


def meaning_of(text: str) -> Meaning | None:
    """What the words say; None if they say nothing known."""
    text = " ".join(text[:_MAX_CHARACTERS].lower().split())
    return next((meaning for meaning, words in _MEANINGS if words.search(text)), None)
