"""The standard prompts: names, when they are heard, and their texts in every language.

The texts are written for the ear: short, no digits or abbreviations; Persian with the ezafe written out, since the
voice cannot guess it. Owns: texts and voices. Leaves out: sounds (library.py, service.py).
"""

from dataclasses import dataclass

from appliance.i18n import LANGUAGES
from appliance.i18n import gettext as _
from appliance.prompts.errors import UnknownPrompt

MAX_TEXT = 1000  # characters of a text that is spoken; about a minute and a half


@dataclass(frozen=True)
class Prompt:
    """A standard prompt. ``%(business)s`` in a text stands for the business's name."""

    name: str
    en: str
    fa: str
    ru: str
    ms: str

    def text(self, language: str) -> str:
        """The text in a language, English for an unknown one."""
        return str(getattr(self, language if language in LANGUAGES else "en"))


_ALL = (
    Prompt(
        "greeting",
        en="Thank you for calling %(business)s. One moment, please.",
        fa="از تماسِ شما با %(business)s سپاسگزاریم. لطفاً چند لحظه صبر کنید.",
        ru="Здравствуйте! Это %(business)s. Одну минуту, пожалуйста.",
        ms="Terima kasih kerana menghubungi %(business)s. Sila tunggu sebentar.",
    ),
    Prompt(
        "closed",
        en="Thank you for calling %(business)s. We are closed at the moment.",
        fa="از تماسِ شما با %(business)s سپاسگزاریم. در حالِ حاضر تعطیل هستیم.",
        ru="Здравствуйте! Это %(business)s. Сейчас мы не работаем.",
        ms="Terima kasih kerana menghubungi %(business)s. Kami tutup pada masa ini.",
    ),
    Prompt(
        "please_wait",
        en="Please stay on the line. We will be with you shortly.",
        fa="لطفاً پشتِ خط بمانید. به زودی پاسخگوی شما خواهیم بود.",
        ru="Пожалуйста, оставайтесь на линии. Вам скоро ответят.",
        ms="Sila terus di talian. Kami akan menjawab panggilan anda sebentar lagi.",
    ),
    Prompt(
        "call_is_recorded",
        en="This call may be recorded.",
        fa="این مکالمه ممکن است ضبط شود.",
        ru="Разговор может быть записан.",
        ms="Panggilan ini mungkin dirakam.",
    ),
    Prompt(
        "wrong_key",
        en="Nothing is behind that key.",
        fa="این کلید کاربردی ندارد.",
        ru="За этой клавишей ничего нет.",
        ms="Tiada apa-apa di sebalik kekunci itu.",
    ),
    Prompt(
        "no_one_answers",
        en="Sorry, nobody can take your call right now.",
        fa="با عرضِ پوزش، در حالِ حاضر کسی نمی‌تواند پاسخگو باشد.",
        ru="К сожалению, сейчас никто не может ответить на ваш звонок.",
        ms="Maaf, tiada sesiapa yang dapat menjawab panggilan anda sekarang.",
    ),
    Prompt(
        "leave_message",
        en="Please leave your message after the tone. When you have finished, hang up, or press the hash key.",
        fa="لطفاً پس از صدای بوق، پیامِ خود را بگذارید. در پایان، گوشی را بگذارید یا کلیدِ مربع را فشار دهید.",
        ru="Пожалуйста, оставьте сообщение после сигнала. Когда закончите, повесьте трубку или нажмите решётку.",
        ms="Sila tinggalkan pesanan anda selepas nada. Apabila selesai, letakkan telefon atau tekan kekunci pagar.",
    ),
    Prompt(
        "message_saved",
        en="Thank you. Your message has been saved.",
        fa="متشکریم. پیامِ شما ثبت شد.",
        ru="Спасибо. Ваше сообщение записано.",
        ms="Terima kasih. Pesanan anda telah disimpan.",
    ),
    Prompt(
        "goodbye",
        en="Thank you for calling. Goodbye.",
        fa="از تماسِ شما سپاسگزاریم. خدا نگهدار.",
        ru="Спасибо за звонок. До свидания.",
        ms="Terima kasih kerana menghubungi kami. Jumpa lagi.",
    ),
    Prompt(
        "not_available",
        en="The person you are calling is not available at the moment.",
        fa="فردِ موردِ نظر در حالِ حاضر در دسترس نیست.",
        ru="Вызываемый абонент сейчас недоступен.",
        ms="Orang yang anda hubungi tidak dapat dihubungi pada masa ini.",
    ),
    Prompt(
        "unknown_number",
        en="There is nobody at this number. Please check it and try again.",
        fa="این شماره در شبکه موجود نیست. لطفاً شماره را بررسی کنید و دوباره تماس بگیرید.",
        ru="Набранный номер не существует. Пожалуйста, проверьте номер и позвоните ещё раз.",
        ms="Nombor ini tidak digunakan. Sila semak nombor itu dan cuba lagi.",
    ),
    Prompt(
        "call_failed",
        en="Your call could not be connected. Please try again later.",
        fa="برقراریِ تماس ممکن نشد. لطفاً بعداً دوباره تلاش کنید.",
        ru="Не удалось соединить вас. Пожалуйста, попробуйте позже.",
        ms="Panggilan anda tidak dapat disambungkan. Sila cuba lagi nanti.",
    ),
    Prompt(
        "transfer_failed",
        en="The call could not be transferred.",
        fa="انتقالِ تماس ممکن نشد.",
        ru="Не удалось перевести звонок.",
        ms="Panggilan tidak dapat dipindahkan.",
    ),
    Prompt(
        "your_phone_works",
        en="Hello! Your phone is connected and ready to take calls. You can hang up now.",
        fa="سلام! تلفنِ شما وصل است و برای پاسخ به تماس‌ها آماده است. اکنون می‌توانید گوشی را بگذارید.",
        ru="Здравствуйте! Ваш телефон подключён и готов принимать звонки. Можно положить трубку.",
        ms="Helo! Telefon anda telah disambungkan dan sedia menerima panggilan. Anda boleh letakkan telefon sekarang.",
    ),
    Prompt(
        "record_after_tone",
        en="Please say your announcement after the tone. When you have finished, press the hash key.",
        fa="لطفاً پس از صدای بوق، پیامِ گویا را بخوانید. در پایان، کلیدِ مربع را فشار دهید.",
        ru="Пожалуйста, произнесите объявление после сигнала. Когда закончите, нажмите решётку.",
        ms="Sila sebutkan pengumuman anda selepas nada. Apabila selesai, tekan kekunci pagar.",
    ),
    Prompt(
        "prompt_saved",
        en="Your announcement has been saved.",
        fa="پیامِ گویا ذخیره شد.",
        ru="Объявление сохранено.",
        ms="Pengumuman anda telah disimpan.",
    ),
    Prompt(
        "prompt_not_saved",
        en="Nothing was recorded. Please try again.",
        fa="چیزی ضبط نشد. لطفاً دوباره تلاش کنید.",
        ru="Ничего не записано. Пожалуйста, попробуйте ещё раз.",
        ms="Tiada apa-apa yang dirakam. Sila cuba lagi.",
    ),
)

PROMPTS = {prompt.name: prompt for prompt in _ALL}

# What a caller to a business may hear: these a business may replace by its own sound
REPLACEABLE = ("greeting", "closed", "please_wait", "no_one_answers", "leave_message", "message_saved", "goodbye")


def find(name: str) -> Prompt:
    """The prompt of that name. Raises UnknownPrompt."""
    try:
        return PROMPTS[name]
    except KeyError:
        raise UnknownPrompt(name) from None


def is_of_menu(name: str) -> bool:
    """Whether this is the prompt of a menu: its text is the menu's, and it has no standard one."""
    return name.startswith("menu-") and len(name) <= 80 and name.isprintable() and "/" not in name


def standard_text(name: str, language: str, business_name: str = "") -> str:
    """What the box says for a prompt unless told otherwise. Raises UnknownPrompt."""
    text = find(name).text(language)
    if "%(business)s" not in text:
        return text
    if business_name.strip():
        return text.replace("%(business)s", business_name.strip())
    return _NAMELESS[name][language if language in LANGUAGES else "en"]


_NAMELESS = {
    "greeting": {
        "en": "Thank you for calling. One moment, please.",
        "fa": "از تماسِ شما سپاسگزاریم. لطفاً چند لحظه صبر کنید.",
        "ru": "Здравствуйте! Спасибо за звонок. Одну минуту, пожалуйста.",
        "ms": "Terima kasih kerana menghubungi kami. Sila tunggu sebentar.",
    },
    "closed": {
        "en": "Thank you for calling. We are closed at the moment.",
        "fa": "از تماسِ شما سپاسگزاریم. در حالِ حاضر تعطیل هستیم.",
        "ru": "Здравствуйте! Сейчас мы не работаем.",
        "ms": "Terima kasih kerana menghubungi kami. Kami tutup pada masa ini.",
    },
}


def title(name: str) -> str:
    """When the prompt is heard, in the current language, for the admin's pages. Raises UnknownPrompt."""
    titles = {
        "greeting": _("Greeting"),
        "closed": _("When closed"),
        "please_wait": _("While waiting"),
        "call_is_recorded": _("Notice of recording"),
        "wrong_key": _("After a key that leads nowhere"),
        "no_one_answers": _("When nobody answers"),
        "leave_message": _("Before a message is recorded"),
        "message_saved": _("After a message was recorded"),
        "goodbye": _("Goodbye"),
        "not_available": _("When an extension does not answer"),
        "unknown_number": _("When a number does not exist"),
        "call_failed": _("When a call cannot be connected"),
        "transfer_failed": _("When a transfer fails"),
        "your_phone_works": _("Phone test"),
        "record_after_tone": _("Before an announcement is recorded"),
        "prompt_saved": _("After an announcement was recorded"),
        "prompt_not_saved": _("When no announcement was recorded"),
    }
    return titles[find(name).name]


# espeak-ng's voice for each language, and a comfortable speed on the phone in its words a minute
VOICES = {"en": ("gmw/en-US", 150), "fa": ("ira/fa", 140), "ru": ("zle/ru", 140), "ms": ("poz/ms", 145)}


def language_of(text: str, language: str) -> str:
    """The language whose voice can read the text: the given one, unless the text is mostly in another's script."""
    counts = {
        "fa": sum("\u0600" <= c <= "\u06ff" or "\u0750" <= c <= "\u077f" for c in text),
        "ru": sum("\u0400" <= c <= "\u04ff" for c in text),
        "latin": sum(c.isalpha() and c < "\u0250" for c in text),
    }
    most = max(counts, key=lambda script: counts[script])
    own = language if language in {"fa", "ru"} else "latin"
    if counts[most] == 0 or counts[own] * 2 >= counts[most]:
        return language if language in VOICES else "en"
    return "en" if most == "latin" else most
