"""The HTML that mails are set into where nobody chose another.

A mail and no newsletter: a line in the colour of the queue, its logo or name, and the words at the
left. A table carries it because Outlook on Windows sets it by the rules of Word; no background is
named, so that dark mode has its own; it is as wide as the window, whatever stands in it, so that a
phone shows no tiny letters. `dir` is for Arabic and Hebrew. Its classes have a prefix:
words of people, and what they quote, have classes as well.
"""

from typing import Final

FRAME_SOURCE: Final = """\
<!DOCTYPE html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<style>
body { margin: 0; padding: 0; }
.pb-mail { width: 100%; table-layout: fixed; overflow-wrap: anywhere;
 border-top: 4px solid {{ accent }}; color: #1f2937; font-size: 15px; line-height: 1.5;
 font-family: 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; }
.pb-head { padding: 16px 20px 0 20px; font-size: 13px; font-weight: bold; color: #4b5563; }
.pb-said { padding: 8px 20px 4px 20px; }
.pb-said img { max-width: 100%; height: auto; }
.pb-said pre { white-space: pre-wrap; }
.pb-signature { padding: 4px 20px 8px 20px; color: #374151; }
.pb-quote { padding: 8px 20px 0 20px; color: #6b7280; }
.pb-mark { padding: 12px 20px 20px 20px; font-size: 11px; color: #6b7280; }
@media (prefers-color-scheme: dark) {
.pb-mail { color: #e5e7eb !important; }
.pb-head, .pb-signature { color: #d1d5db !important; }
.pb-quote, .pb-mark { color: #9ca3af !important; }
}
</style>
</head>
<body>
<table role="presentation" class="pb-mail" width="100%" cellpadding="0" cellspacing="0" border="0">
<tr><td class="pb-head">
{% if logo %}{{ logo }}{% else %}{{ queue.name }}{% endif %}
</td></tr>
<tr><td class="pb-said" dir="auto">{{ content }}</td></tr>
{% if signature %}<tr><td class="pb-signature" dir="auto">{{ signature }}</td></tr>
{% endif %}{% if quote %}<tr><td class="pb-quote" dir="auto">{{ quote }}</td></tr>
{% endif %}<tr><td class="pb-mark">{{ mark }}</td></tr>
</table>
</body>
</html>
"""
