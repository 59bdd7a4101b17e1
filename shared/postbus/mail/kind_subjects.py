"""How bounces and absence notes are titled, in many languages; support for other evidence only."""

import re
from typing import Final

FAILURE_SUBJECT: Final = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|report|problem|notification)|mail delivery"
    r"|returned (?:mail|to sender)|failure notice|(?:mail|message).{0,20}(?:fail|not delivered)"
    r"|could not be delivered|failure delivery|failed mail|nondeliverable|non-deliver"
    r"|delivery.{0,20}delayed|warning: (?:could not send|message)|user unknown|rejected"
    r"|onbestelbaar|niet (?:bezorgd|afgeleverd)|unzustellbar|nicht zugestellt|zustellung"
    r"|non remis|échec de (?:la )?remise|no se (?:ha |pudo )?(?:podido )?entreg|mancata consegna"
    r"|não (?:foi )?entregue|nie (?:można|udało się) dostarczy|kunde inte levereras|ej levererat"
    r"|kunne ikke leveres|ikke leveret|epäonnistu|toimittamatta|nedoručiteln|nedoručen"
    r"|teslim edileme|iletilemedi|kézbesíthetetlen|недоставлен|не доставлен"
    r"|无法投递|退信|無法傳遞|配信不能|配信できません|エラー",
    re.IGNORECASE,
)
ABSENCE_SUBJECT: Final = re.compile(
    r"^\s*(?:auto(?:matic)?[- :]?\s*(?:reply|response)|auto:|out of (?:the )?office|ooo\b|absent\b"
    r"|vacation\b|on (?:vacation|leave|holiday)|automatisch(?:e|es)? (?:antwoord|antwort|bericht)"
    r"|afwezig|niet aanwezig|abwesend|abwesenheit|nicht im (?:büro|haus)|réponse automatique"
    r"|absence du bureau|respuesta automática|fuera de (?:la )?oficina|risposta automatica"
    r"|fuori (?:sede|ufficio)|resposta automática|ausência|automatiskt svar|automatisk svar"
    r"|autosvar|fravær|frånvar|automaattinen vastaus|poissa|odpowiedź automatyczna"
    r"|automatická odpověď|nepřítomn|otomatik yan[\u0131i]t|automatikus válasz"
    r"|автоматический ответ|автоответ|自動応答|自动(?:答复|回复)|自動回[覆復]|不在)",
    re.IGNORECASE,
)
