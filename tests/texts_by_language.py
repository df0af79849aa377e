"""A museum label and a short manual in each language of the offline teacher, written for tests."""

from __future__ import annotations

LABELS = {
    "de": (
        "Sanduhr",
        "Die Sanduhr misst eine Wache von vier Stunden auf See. Sie ist 31 cm hoch und fasst 1,8 kg feinen Sand. "
        "Ein Glasbläser aus Lübeck fertigte die Kolben im Jahr 1742. Im 19. Jahrhundert diente das Stück in einer "
        "Schule. Die beiden Kolben sind mit Leder und Garn verbunden.",
    ),
    "fr": (
        "sablier",
        "Le sablier mesure un quart de quatre heures en mer. Il a une hauteur de 31 cm et contient 1,8 kg de sable "
        "fin. Un verrier de Dieppe souffla les ampoules en 1742. L'objet servit plus tard dans une école de pilotage. "
        "Les deux ampoules sont liées par du cuir et du fil.",
    ),
    "es": (
        "reloj de arena",
        "El reloj de arena mide una guardia de cuatro horas en el mar. Tiene una altura de 31 cm y contiene 1,8 kg de "
        "arena fina. Un vidriero de Cádiz sopló las ampollas en 1742. La pieza se utilizó más tarde en una escuela "
        "de náutica. Las dos ampollas están unidas con cuero e hilo.",
    ),
    "ko": (
        "모래시계",
        "모래시계는 바다에서 네 시간의 당직을 재는 기구입니다. 높이는 31cm이고 고운 모래 1.8kg이 들어 있습니다. "
        "1742년에 부산의 유리 장인이 유리 몸통을 만들었습니다. 이 기구는 나중에 해양 학교에서 사용되었습니다. "
        "두 유리 몸통은 가죽과 실로 묶여 있습니다.",
    ),
    "ja": (
        "砂時計",
        "砂時計は、海の上で四時間の当直を計る道具です。高さは31センチメートルで、細かい砂が1.8キログラム入っています。"
        "1742年に長崎のガラス職人が器を作りました。のちに船員の学校で使用されました。二つの器は革と糸で結ばれています。",
    ),
    "zh": (
        "沙漏",
        "沙漏是在海上计量四小时值班的器具。它高31厘米，装有1.8公斤细沙。1742年，广州的一位玻璃工匠吹制了玻璃瓶。"
        "后来这件器具用于航海学校的教学。两个玻璃瓶用皮革和细线连接。",
    ),
}
"""Name and text of an exhibit by language code."""

MANUALS = {
    "de": (
        "Der Rührstab ist ein Werkzeug aus Buchenholz. Die Kurbel befindet sich an der linken Seite. Der Kessel fasst "
        "8 Liter. Wenn die Masse am Boden haftet, senken Sie die Temperatur. Der Deckel muss geschlossen bleiben, weil "
        "Dampf die Skala beschlägt. Siehe Kapitel 4.\n\n| Merkmal | Wert |\n| --- | --- |\n| Heizleistung | 900 W |\n\n"
        "1. Füllen Sie den Kessel mit Wasser.\n2. Drehen Sie die Kurbel nach rechts."
    ),
    "fr": (
        "Le fouet est un outil en bois de hêtre. La manivelle se trouve sur le côté gauche. La cuve contient 8 litres. "
        "Si la masse colle au fond, baissez la température. Le couvercle doit rester fermé, parce que la vapeur "
        "voile le cadran. Voir le chapitre 4.\n\n| Caractéristique | Valeur |\n| --- | --- |\n| Puissance | 900 W |\n\n"
        "1. Remplissez la cuve avec de l'eau.\n2. Tournez la manivelle vers la droite."
    ),
    "es": (
        "El batidor es una herramienta de madera de haya. La manivela se encuentra en el lado izquierdo. La cuba "
        "contiene 8 litros. Si la masa se pega al fondo, baje la temperatura. La tapa debe permanecer cerrada porque "
        "el vapor empaña la escala. Consulte el capítulo 4.\n\n| Característica | Valor |\n| --- | --- |\n"
        "| Potencia | 900 W |\n\n1. Llene la cuba con agua limpia.\n2. Gire la manivela hacia la derecha."
    ),
    "ko": (
        "젓개는 너도밤나무로 만든 조리 도구입니다. 손잡이는 왼쪽 옆면에 있습니다. 솥의 용량은 8리터입니다. 반죽이 "
        "바닥에 붙으면 온도를 낮추십시오. 뚜껑은 김이 눈금을 가리기 때문에 열지 않습니다. "
        "자세한 내용은 4장을 참조하십시오.\n\n"
        "| 항목 | 값 |\n| --- | --- |\n| 소비 전력 | 900W |\n\n"
        "1. 솥에 깨끗한 물을 채웁니다.\n2. 손잡이를 오른쪽으로 돌립니다."
    ),
    "ja": (
        "攪拌棒は、ブナの木で作られた調理の道具です。ハンドルは左の側面にあります。釜の容量は8リットルです。生地が底に付いた"
        "場合は、温度を下げてください。蒸気が目盛りを曇らせるため、ふたを開けません。詳しくは第4章を参照してください。\n\n"
        "| 項目 | 値 |\n| --- | --- |\n| 消費電力 | 900W |\n\n"
        "1. 釜にきれいな水を入れます。\n2. ハンドルを右に回します。"
    ),
    "zh": (
        "搅拌棒是一种用山毛榉木制作的工具。摇柄位于左侧面板。锅体容量为8升。如果面团粘在锅底，请降低温度。由于蒸汽会模糊"
        "刻度，操作人员不打开锅盖。详见第4章。\n\n| 项目 | 数值 |\n| --- | --- |\n| 额定功率 | 900瓦 |\n\n"
        "1. 往锅里加入干净的水。\n2. 向右转动摇柄。"
    ),
}
"""One section of a manual by language code: sentences, a table of one row, two steps, and one line that only points."""
