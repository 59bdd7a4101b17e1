"""What mail programs say around a reply, in sixteen languages; the sentences are the project's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """Words of a writer, and what programs of that language put around them.

    ``attributions`` are by program; `{who}` is name and address there, `{name}` the name alone.
    ``labels`` are those of Outlook for From, Sent, To and Subject; ``sent`` is a time in its words.
    """

    own: str
    closing: str
    attributions: dict[str, str]
    labels: tuple[str, str, str, str]
    sent: str
    original: str
    forwarded: str
    advertisements: tuple[str, ...]


LANGUAGES = {
    "nl": Language(
        "De monteur kwam om 10:15 en hij schreef: morgen terug.\nVan ons mag het ook later.",
        "Met vriendelijke groet,\nTineke Vos",
        {
            "gmail": "Op ma 2 mrt 2026 om 09:30 schreef {who}:",
            "apple": "Op 2 mrt 2026, om 09:30 heeft {who} het volgende geschreven:",
            "thunderbird": "Op 02-03-2026 om 09:30 schreef {name}:",
            "yahoo": "Op maandag 2 maart 2026 om 09:30:12 CET schreef {who}:",
        },
        ("Van", "Verzonden", "Aan", "Onderwerp"),
        "maandag 2 maart 2026 09:30",
        "Oorspronkelijk bericht",
        "Doorgestuurd bericht",
        (
            "Verstuurd vanaf mijn iPhone",
            "Verzonden vanaf mijn Galaxy",
            "Outlook voor iOS downloaden",
        ),
    ),
    "en": Language(
        "On Friday it worked: all three lights.\nFrom then on it did not, as my colleague wrote.",
        "Kind regards,\nTineke Vos",
        {
            "gmail": "On Mon, Mar 2, 2026 at 9:30 AM {who} wrote:",
            "apple": "On 2 Mar 2026, at 09:30, {who} wrote:",
            "thunderbird": "On 02/03/2026 09:30, {name} wrote:",
            "yahoo": "On Monday, March 2, 2026 at 09:30:12 AM GMT+1, {who} wrote:",
            "proton": "On Monday, March 2nd, 2026 at 9:30 AM, {who} wrote:",
            "spark": "On 2 Mar 2026, 09:30 +0100, {who}, wrote:",
            "k-9": "On 2 March 2026 09:30:12 CET, {who} wrote:",
        },
        ("From", "Sent", "To", "Subject"),
        "Monday, 2 March 2026 09:30",
        "Original Message",
        "Forwarded message",
        (
            "Sent from my iPhone",
            "Sent from my Galaxy",
            "Get Outlook for Android",
            "Sent from my Android device with K-9 Mail. Please excuse my brevity.",
            "Sent from Yahoo Mail on Android",
            "Sent with Proton Mail secure email.",
        ),
    ),
    "de": Language(
        "Am Freitag ging es noch: drei Lampen.\nVon da an nicht mehr, schrieb der Kollege.",
        "Mit freundlichen Grüßen\nTineke Vos",
        {
            "gmail": "Am Mo., 2. März 2026 um 09:30 Uhr schrieb {who}:",
            "gmail phone": "{who} schrieb am Mo., 2. März 2026, 09:30:",
            "apple": "Am 02.03.2026 um 09:30 schrieb {who}:",
            "thunderbird": "Am 02.03.26 um 09:30 schrieb {name}:",
            "yahoo": "Am Montag, 2. März 2026 um 09:30:12 MEZ hat {who} Folgendes geschrieben:",
            "notes": "{who} schrieb am 02.03.2026 09:30:12:",
        },
        ("Von", "Gesendet", "An", "Betreff"),
        "Montag, 2. März 2026 09:30",
        "Ursprüngliche Nachricht",
        "Weitergeleitete Nachricht",
        (
            "Von meinem iPhone gesendet",
            "Gesendet von meinem Galaxy",
            "Outlook für iOS beziehen",
            "Gesendet mit der GMX Mail App",
            "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
        ),
    ),
    "fr": Language(
        "Le vendredi tout allait bien : trois voyants.\nDe là, plus rien, comme il l'a écrit.",
        "Cordialement,\nTineke Vos",
        {
            "gmail": "Le lun. 2 mars 2026 à 09:30, {who} a écrit :",
            "apple": "Le 2 mars 2026 à 09:30, {who} a écrit :",
            "thunderbird": "Le 02/03/2026 à 09:30, {name} a écrit :",
            "yahoo": "Le lundi 2 mars 2026 à 09:30:12 UTC+1, {who} a écrit :",
        },
        ("De ", "Envoyé ", "À ", "Objet "),
        "lundi 2 mars 2026 09:30",
        "Message d'origine",
        "Message transféré",
        ("Envoyé de mon iPhone", "Envoyé depuis mon Galaxy", "Télécharger Outlook pour iOS"),
    ),
    "es": Language(
        "El viernes funcionaba: tres luces.\nDe ahí en adelante no, como escribió mi colega.",
        "Un saludo,\nTineke Vos",
        {
            "gmail": "El lun, 2 mar 2026 a las 9:30, {name} (<{address}>) escribió:",
            "apple": "El 2 mar 2026, a las 9:30, {who} escribió:",
            "thunderbird": "El 2/3/26 a las 9:30, {name} escribió:",
            "yahoo": "El lunes, 2 de marzo de 2026, 09:30:12 CET, {who} escribió:",
        },
        ("De", "Enviado", "Para", "Asunto"),
        "lunes, 2 de marzo de 2026 9:30",
        "Mensaje original",
        "Mensaje reenviado",
        ("Enviado desde mi iPhone", "Enviado desde mi Galaxy", "Obtener Outlook para Android"),
    ),
    "it": Language(
        "Il venerdì andava tutto bene: tre luci.\nDa allora no, come ha scritto il collega.",
        "Cordiali saluti,\nTineke Vos",
        {
            "gmail": "Il giorno lun 2 mar 2026 alle ore 09:30 {who} ha scritto:",
            "apple": "Il giorno 2 mar 2026, alle ore 09:30, {who} ha scritto:",
            "thunderbird": "Il 02/03/2026 09:30, {name} ha scritto:",
            "yahoo": "Il lunedì 2 marzo 2026 alle ore 09:30:12 CET, {who} ha scritto:",
        },
        ("Da", "Inviato", "A", "Oggetto"),
        "lunedì 2 marzo 2026 09:30",
        "Messaggio originale",
        "Messaggio inoltrato",
        ("Inviato da iPhone", "Inviato dal mio Galaxy", "Scarica Outlook per iOS"),
    ),
    "pt": Language(
        "Em casa funcionava: três luzes.\nDe lá para cá não, como escreveu o colega.",
        "Atenciosamente,\nTineke Vos",
        {
            "gmail": "Em seg., 2 de mar. de 2026 às 09:30, {who} escreveu:",
            "apple": "No dia 2 de mar. de 2026, às 09:30, {who} escreveu:",
            "thunderbird": "Em 02/03/2026 09:30, {name} escreveu:",
            "thunderbird in Portugal": "Às 09:30 de 02/03/2026, {name} escreveu:",
            "yahoo": "Em segunda-feira, 2 de março de 2026 às 09:30:12 GMT, {who} escreveu:",
        },
        ("De", "Enviado", "Para", "Assunto"),
        "segunda-feira, 2 de março de 2026 09:30",
        "Mensagem original",
        "Mensagem encaminhada",
        ("Enviado do meu iPhone", "Enviado a partir do meu Galaxy", "Obter o Outlook para iOS"),
    ),
    "pl": Language(
        "W piątek działało: trzy lampki.\nOd tego czasu nie, jak napisał kolega.",
        "Pozdrawiam\nTineke Vos",
        {
            "gmail": "pon., 2 mar 2026 o 09:30 {who} napisał(a):",
            "apple": "Wiadomość napisana przez {who} w dniu 2 mar 2026, o godz. 09:30:",
            "thunderbird": "W dniu 02.03.2026 o 09:30, {name} pisze:",
            "yahoo": "W dniu poniedziałek, 2 marca 2026 09:30:12 CET użytkownik {who} napisał:",
        },
        ("Od", "Wysłane", "Do", "Temat"),
        "poniedziałek, 2 marca 2026 09:30",
        "Oryginalna wiadomość",
        "Wiadomość przekazana dalej",
        ("Wysłane z iPhone'a", "Wysłano z mojego Galaxy", "Pobierz program Outlook dla iOS"),
    ),
    "sv": Language(
        "På fredagen fungerade det: tre lampor.\nFrån då inte, som kollegan skrev.",
        "Vänliga hälsningar\nTineke Vos",
        {
            "gmail": "Den mån 2 mars 2026 kl 09:30 skrev {who}:",
            "apple": "2 mars 2026 kl. 09:30 skrev {who}:",
            "thunderbird": "Den 2026-03-02 kl. 09:30, skrev {name}:",
            "yahoo": "Den måndag 2 mars 2026 09:30:12 CET skrev {who}:",
        },
        ("Från", "Skickat", "Till", "Ämne"),
        "den 2 mars 2026 09:30",
        "Ursprungligt meddelande",
        "Vidarebefordrat meddelande",
        ("Skickat från min iPhone", "Skickat från min Galaxy", "Hämta Outlook för iOS"),
    ),
    "da": Language(
        "Den virkede i fredags: tre lamper.\nFra da af ikke, som kollegaen skrev.",
        "Venlig hilsen\nTineke Vos",
        {
            "gmail": "Den man. 2. mar. 2026 kl. 09.30 skrev {who}:",
            "apple": "Den 2. mar. 2026 kl. 09.30 skrev {who}:",
            "thunderbird": "Den 02.03.2026 kl. 09.30, skrev {name}:",
            "yahoo": "Den mandag den 2. marts 2026 09.30.12 CET skrev {who}:",
        },
        ("Fra", "Sendt", "Til", "Emne"),
        "2. marts 2026 09:30",
        "Oprindelig meddelelse",
        "Videresendt besked",
        ("Sendt fra min iPhone", "Sendt fra min Galaxy", "Hent Outlook til iOS"),
    ),
    "no": Language(
        "På fredag virket den: tre lamper.\nFra da av ikke, som kollegaen skrev.",
        "Vennlig hilsen\nTineke Vos",
        {
            "gmail": "man. 2. mar. 2026 kl. 09:30 skrev {who}:",
            "apple": "2. mar. 2026 kl. 09:30 skrev {who}:",
            "thunderbird": "Den 02.03.2026 09:30, skrev {name}:",
            "yahoo": "mandag 2. mars 2026 09:30:12 CET skrev {who}:",
        },
        ("Fra", "Sendt", "Til", "Emne"),
        "mandag 2. mars 2026 09:30",
        "Opprinnelig melding",
        "Videresendt melding",
        ("Sendt fra min iPhone", "Sendt fra min Galaxy", "Få Outlook for iOS"),
    ),
    "fi": Language(
        "Perjantaina se toimi: kolme valoa.\nSen jälkeen ei, kuten kollega kirjoitti.",
        "Ystävällisin terveisin\nTineke Vos",
        {
            "gmail": "ma 2. maalisk. 2026 klo 9.30 {name} ({address}) kirjoitti:",
            "apple": "{who} kirjoitti 2.3.2026 kello 9.30:",
            "thunderbird": "{name} kirjoitti 2.3.2026 klo 9.30:",
            "yahoo": "maanantai 2. maaliskuuta 2026 klo 09.30.12 UTC+2 {who} kirjoitti:",
        },
        ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
        "maanantai 2. maaliskuuta 2026 9.30",
        "Alkuperäinen viesti",
        "Välitetty viesti",
        ("Lähetetty iPhonesta", "Lähetetty Galaxysta", "Hanki Outlook for iOS"),
    ),
    "cs": Language(
        "V pátek to šlo: tři kontrolky.\nOd té doby ne, jak napsal kolega.",
        "S pozdravem\nTineke Vos",
        {
            "gmail": "po 2. 3. 2026 v 9:30 odesílatel {who} napsal:",
            "apple": "2. 3. 2026 v 9:30, {who}:",
            "thunderbird": "Dne 02. 03. 26 v 9:30 {name} napsal(a):",
            "yahoo": "Dne pondělí 2. března 2026 9:30:12 SEČ, {who} napsal(a):",
        },
        ("Od", "Odesláno", "Komu", "Předmět"),
        "pondělí 2. března 2026 9:30",
        "Původní zpráva",
        "Přeposlaná zpráva",
        ("Odesláno z iPhonu", "Odesláno z mého Galaxy", "Získat Outlook pro iOS"),
    ),
    "tr": Language(
        "Cuma günü çalışıyordu: üç ışık.\nSonra çalışmadı, arkadaşım öyle yazdı.",
        "Saygılarımla\nTineke Vos",
        {
            "gmail": "{who}, 2 Mar 2026 Pzt, 09:30 tarihinde şunu yazdı:",
            "apple": "{who} şunları yazdı (2 Mar 2026 09:30):",
            "thunderbird": "02.03.2026 09:30 tarihinde {name} yazdı:",
            "yahoo": "2 Mart 2026 Pazartesi 09:30:12 GMT+3 tarihinde {who} yazdı:",
        },
        ("Kimden", "Gönderildi", "Kime", "Konu"),
        "2 Mart 2026 Pazartesi 09:30",
        "Orijinal mesaj",
        "İletilen mesaj",
        ("iPhone'umdan gönderildi", "Galaxy cihazımdan gönderildi", "iOS için Outlook'u edinin"),
    ),
    "ja": Language(
        "金曜日は動きました：ランプ三つ。\nその後は駄目だと同僚が書いていました。",
        "よろしくお願いいたします。\nTineke Vos",
        {
            "gmail": "2026年3月2日(月) 9:30 {who}:",
            "apple": "2026/03/02 9:30、{who}のメール:",
            "thunderbird": "On 2026/03/02 9:30, {name} wrote:",
            "yahoo": "2026年3月2日月曜日 09:30:12 JST、{who} さんは書きました:",
        },
        ("差出人", "送信日時", "宛先", "件名"),
        "2026年3月2日 9:30",
        "元のメッセージ",
        "転送メッセージ",
        ("iPhoneから送信", "Galaxyから送信", "iOS 用 Outlook を入手"),
    ),
    "zh": Language(
        "星期五还可以：三个灯都亮。\n后来不行了，同事也写道不行。",
        "此致\nTineke Vos",
        {
            "gmail": "{who} 于2026年3月2日周一 09:30写道：",
            "gmail in Taiwan": "{who} 於 2026年3月2日 週一 上午9:30寫道：",
            "apple": "2026年3月2日 09:30，{who} 写道：",
            "apple before": "在 2026年3月2日，09:30，{who} 写道：",
            "thunderbird": "在 2026/3/2 9:30, {name} 写道:",
            "yahoo": "在 2026年3月2日 星期一 09:30:12 [GMT+8]， {who} 写道：",
        },
        ("发件人", "发送时间", "收件人", "主题"),
        "2026年3月2日 9:30",
        "原始邮件",
        "转发邮件",
        ("发自我的 iPhone", "从我的华为手机发送", "获取 Outlook for iOS"),
    ),
}
