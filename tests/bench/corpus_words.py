"""What the customers of the benchmark write about, in their languages and the charsets they use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """Sentences of one language; `charsets` are older ones that programs still write."""

    code: str
    charsets: tuple[str, ...]
    names: tuple[str, ...]
    attribution: str
    subjects: tuple[str, ...]
    sentences: tuple[str, ...]


LANGUAGES: tuple[Language, ...] = (
    Language(
        "en", ("us-ascii", "iso-8859-1", "windows-1252"),
        ("Anna Field", "Bob Turner", "Carol Reed", "Dan Hughes"),
        "On 3 November 2025, {name} wrote:",
        ("Printer on the second floor", "Cannot sign in", "Invoice is wrong", "New laptop needed"),
        (
            "The printer stopped in the middle of a long job.",
            "I restarted it twice and it made no difference.",
            "The display shows a code that nobody here understands.",
            "Could somebody have a look before Friday?",
            "My password was accepted yesterday, today it is not.",
            "The amount on the second page does not match our order.",
            "We moved to another office and the old number no longer works.",
            "Please call me back in the afternoon, mornings are busy.",
        ),
    ),
    Language(
        "nl", ("iso-8859-1", "iso-8859-15", "windows-1252"),
        ("Joost de Wit", "Maaike Jansen", "Zoë van Dijk"),
        "Op 3 november 2025 schreef {name}:",
        ("Scanner doet het niet", "Factuur klopt niet", "Vraag over één abonnement"),
        (
            "De scanner geeft sinds vanochtend alleen nog lege bladzijden.",
            "Ik heb de stekker er al een keer uit gehaald.",
            "Op de factuur staat een bedrag dat wij niet herkennen.",
            "Kunnen jullie één van de twee abonnementen stopzetten?",
            "Onze collega’s in het tweede gebouw hebben geen verbinding.",
            "Alvast bedankt voor de moeite.",
        ),
    ),
    Language(
        "de", ("iso-8859-1", "windows-1252"),
        ("Jürgen Groß", "Käthe Müller", "Jörg Schäfer"),
        "Am 3. November 2025 schrieb {name}:",
        ("Drucker geht nicht", "Rückfrage zur Rechnung", "Zugang für neue Kollegin"),
        (
            "Seit heute früh lässt sich keine Datei mehr öffnen.",
            "Die Größe des Anhangs scheint das Problem zu sein.",
            "Könnten Sie bitte prüfen, ob der Zugang gesperrt ist?",
            "Für die neue Kollegin brauchen wir einen Schlüssel und ein Konto.",
            "Auf der Rechnung fehlt die Bestellnummer.",
            "Mit freundlichen Grüßen aus Köln",
        ),
    ),
    Language(
        "fr", ("iso-8859-1", "iso-8859-15"),
        ("Hélène Lefèvre", "François Noël", "Agnès Dupré"),
        "Le 3 novembre 2025, {name} a écrit :",
        ("Écran noir au démarrage", "Problème de clé", "Réponse attendue"),
        (
            "Depuis ce matin, l'écran reste noir au démarrage.",
            "Nous avons déjà changé le câble, sans succès.",
            "Pourriez-vous m'envoyer une nouvelle clé ?",
            "La réponse précédente ne réglait pas le problème.",
            "Le relevé ne correspond pas à notre commande.",
            "Merci d'avance et à bientôt.",
        ),
    ),
    Language(
        "es", ("iso-8859-1",),
        ("Íñigo Muñoz", "Lucía Peña"),
        "El 3 de noviembre de 2025, {name} escribió:",
        ("Contraseña caducada", "Avería en la línea"),
        (
            "La línea se corta cada diez minutos desde el lunes.",
            "Mi contraseña caducó y no puedo pedir otra.",
            "¿Podrían enviarnos una copia de la factura?",
            "El señor de la recepción no sabe nada del envío.",
        ),
    ),
    Language(
        "pl", ("iso-8859-2", "windows-1250"),
        ("Łukasz Wójcik", "Małgorzata Zając"),
        "3 listopada 2025 {name} napisał(a):",
        ("Brak połączenia", "Błędna faktura"),
        (
            "Od rana nie działa połączenie z drukarką.",
            "Proszę o sprawdzenie, czy zamówienie zostało przyjęte.",
            "Na fakturze widnieje błędny adres.",
            "Dziękuję za szybką odpowiedź.",
        ),
    ),
    Language(
        "cs", ("iso-8859-2", "windows-1250"),
        ("Jiří Dvořák", "Žaneta Říhová"),
        "Dne 3. listopadu 2025 {name} napsal(a):",
        ("Tiskárna nefunguje", "Dotaz k účtu"),
        (
            "Tiskárna v přízemí hlásí chybu.",
            "Účet je zablokovaný a nevíme proč.",
            "Prosím o novou přístupovou kartu.",
        ),
    ),
    Language(
        "ru", ("koi8-r", "windows-1251"),
        ("Ольга Смирнова", "Пётр Козлов"),
        "3 ноября 2025 г. {name} пишет:",
        ("Не работает почта", "Вопрос по счёту"),
        (
            "Со вчерашнего дня не приходят письма.",
            "Пожалуйста, проверьте настройки ящика.",
            "В счёте указана не та сумма.",
            "Перезагрузка не помогла.",
        ),
    ),
    Language(
        "el", ("iso-8859-7",),
        ("Ελένη Παππά", "Νίκος Δήμου"),
        "Στις 3 Νοεμβρίου 2025, {name} έγραψε:",
        ("Πρόβλημα σύνδεσης",),
        (
            "Δεν μπορώ να συνδεθώ από το πρωί.",
            "Παρακαλώ στείλτε μου νέο κωδικό.",
            "Το τιμολόγιο έχει λάθος ποσό.",
        ),
    ),
    Language(
        "ja", ("iso-2022-jp", "shift_jis"),
        ("山田花子", "佐藤健"),
        "2025年11月3日、{name}さんは書きました:",
        ("印刷できません", "請求書について"),
        (
            "今朝から印刷ができなくなりました。",
            "請求書の金額が間違っています。",
            "至急ご確認をお願いいたします。",
            "再起動しても直りません。",
        ),
    ),
    Language(
        "zh", ("gb2312", "gb18030"),
        ("王小明", "李娜"),
        "2025年11月3日，{name}写道：",
        ("无法登录", "发票有误"),
        ("从昨天开始无法登录系统。", "发票上的金额不对。", "请尽快处理，谢谢。"),
    ),
    Language(
        "ko", ("euc-kr",),
        ("김민준", "이서연"),
        "2025년 11월 3일 {name} 님이 작성:",
        ("로그인이 안 됩니다",),
        ("어제부터 로그인이 되지 않습니다.", "청구서 금액이 잘못되었습니다.", "확인 부탁드립니다."),
    ),
    Language(
        "ar", ("windows-1256",),
        ("ليلى حداد", "كريم نصر"),
        "في 3 نوفمبر 2025 كتب {name}:",
        ("مشكلة في الطابعة",),
        ("الطابعة لا تعمل منذ الصباح.", "أرجو إرسال فاتورة جديدة.", "شكرا لكم على المساعدة."),
    ),
)  # fmt: skip
"""English comes first and is drawn more often."""

DOMAINS = ("example.com", "example.org", "firma.example", "winkel.example", "ecole.example",
           "works.example", "kantoor.example", "school.example")  # fmt: skip
FILE_NAMES = ("report.pdf", "screenshot.png", "Übersicht.xlsx", "scan 0012.tif", "notes.txt",
              "請求書.pdf", "log.zip", "foto één.jpg")  # fmt: skip
