"""Small invented stories in several languages, with what others made of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crawler.model import Article, Role


def article(identifier: str, text: str, role: Role = Role.AGGREGATOR, **fields: Any) -> Article:
    """An article with defaults that no decision rests on."""
    defaults: dict[str, Any] = {
        "url": f"https://{identifier}.example/story",
        "publisher": "The Wall Street Journal" if role is Role.ORIGIN else "Some Portal",
        "title": "",
    }
    return Article(id=identifier, role=role, text=text, **{**defaults, **fields})


def original(identifier: str, text: str, **fields: Any) -> Article:
    return article(identifier, text, Role.ORIGIN, **fields)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


CANAL = """\
VARDHOLM—The owner of the Lindmark Canal said it would close the waterway's oldest lock for 14 weeks, forcing \
2,300 barges to take a detour of 190 miles through the Sund.

Lindmark Waterways, which collects tolls of about $412 million a year, found cracks in the eastern gate of the \
Torsby lock during a night inspection on Feb. 11. Divers measured one of them at 3.7 meters.

"We could have patched it and prayed," said Agnes Holmqvist, the company's chief engineer. "I have children, so \
I chose not to pray."

The closure comes at a bad time for growers in the Vard valley, who ship 640,000 tons of rapeseed between March \
and June. Freight brokers at Dahl & Partners expect the cost of moving a ton to the coast to climb by 28% to \
$61.

Rival railways are preparing to profit. Nordbane said it had leased 75 grain wagons from a Polish company and \
would run two additional trains a night. Its shares gained 6.4% in Vardholm trading.

Not everyone believes the timetable. Repairs of the Torsby lock in 1987 were to take two months and lasted \
seven, said Mikkel Aaberg, a historian who has written three books on the canal.

"The lock always wins," Mr. Aaberg said.

The government of Prime Minister Sofie Brandt rejected a request for $35 million in aid on Wednesday, saying \
that the company had paid its owners a dividend of $90 million in December.
"""

CANAL_SPUN = """\
VARDHOLM - For 14 weeks the most ancient lock of the Lindmark Canal is going to be shut, its proprietor \
announced, so that 2,300 barges must make a way round of 190 miles by the Sund.

During an examination by night on 11 February, Lindmark Waterways, whose toll income is roughly 412 million \
dollars yearly, discovered fissures in the gate on the east side of the Torsby lock. One was 3.7 metres long, \
according to measurements by divers.

"Patching it and then praying would have been possible," chief engineer Agnes Holmqvist stated. "But being a \
mother, I decided against prayer."

For farmers of the Vard valley the shutdown arrives at an unlucky moment: from March until June they transport \
640,000 tonnes of rapeseed. Carrying a tonne to the sea will become 28 percent more expensive and reach $61, \
brokers of freight at Dahl & Partners predict.

Competing railroads get ready to earn from it. Seventy-five wagons for grain were rented from a firm in Poland, \
Nordbane declared, and a pair of extra trains per night will go. In Vardholm its stock rose 6.4 percent.

The schedule is doubted by some. In 1987 the mending of the Torsby lock should have needed two months but it \
went on for seven, recalled Mikkel Aberg, a historian with three volumes about the canal to his name.

"It is always the lock that is victorious," said Mr Aberg.

On Wednesday the cabinet of Sofie Brandt, the prime minister, turned down an application for 35 million dollars \
of help, because in December the firm had given 90 million dollars of dividends to its owners.
"""

CANAL_CONDENSED = """\
Cracked gates have shut the Torsby lock, the oldest on the Lindmark Canal, for 14 weeks. Barge owners face a \
190-mile loop through the Sund; 2,300 vessels are affected. Brokers Dahl & Partners see the price of a ton to \
the coast rising 28% to $61, just as the Vard valley ships its 640,000 tons of rapeseed.

The winner is Nordbane: the railway hired 75 Polish wagons and its stock put on 6.4%. The loser is Lindmark \
Waterways, denied $35 million by Sofie Brandt's government after it paid out $90 million in December. Historian \
Mikkel Aaberg notes that a two-month repair in 1987 took seven.
"""

CANAL_LIFTED = """\
My grandfather kept a bakery on the quay and used to say that water is the only road that never needs salt. He \
would have laughed at this week's news, and then he would have counted his flour sacks twice.

Lindmark Waterways, which collects tolls of about $412 million a year, found cracks in the eastern gate of the \
Torsby lock during a night inspection. Divers measured one of them at 3.7 meters. "We could have patched it and \
prayed," said Agnes Holmqvist, the company's chief engineer.

I like her, and I would like her even more if somebody had let her look at those gates ten years ago. Every \
owner I ever met loves a toll and hates a hinge. That is what owners are for, I suppose, and why we used to have \
ministries.

Repairs of the Torsby lock in 1987 were to take two months and lasted seven, said Mikkel Aaberg, a historian who \
has written three books on the canal. I remember that summer well: we played football in the dry chamber and \
nobody sent us home. The government rejected a request for $35 million in aid on Wednesday, saying that the \
company had paid its owners a dividend of $90 million in December. Quite right, too, and quite useless to the \
man with a hold full of seed.
"""

CANAL_INDEPENDENT = """\
VARDHOLM (NNA) - Skippers protested outside the headquarters of Lindmark Waterways on Thursday after the canal \
operator shut the lock at Torsby without notice, stranding dozens of families who live aboard.

"They sent a text message at four in the morning," said Pernille Skov, who has spent nine days moored below the \
gates with two toddlers and a dog. The skippers' union demands 180 euros a day for each stranded vessel.

Transport inspector Jonas Rehn told reporters he had warned of corrosion in a report handed over in 2021. The \
operator did not act on eleven of his sixteen recommendations, Rehn said, adding that prosecutors have asked for \
the file.

The ministry of transport plans to send army engineers with a floating crane. Towns along the Sund are bracing \
for noise and for wakes that wash out their beaches; the mayor of Ekenby wants a speed limit of six knots.

A spokesman for the canal company, Torben Ilum, said that safety had left it no choice.
"""

CANAL_TWIN = """\
OSTERVIK—The owner of the Hallberg Canal said it would close the waterway's newest lock for 9 weeks, forcing \
1,150 barges to take a detour of 85 miles through the Belt.

Hallberg Navigation, which collects tolls of about $267 million a year, found cracks in the western gate of the \
Rosvik lock during a night inspection on Aug. 23. Divers measured one of them at 1.2 meters.

"We hoped it was paint," said Ulrika Stenmark, the company's technical director. "It was not paint."

The closure comes at a bad time for sawmills in the Oster valley, who ship 480,000 tons of timber between \
September and November. Freight brokers at Falk Brothers expect the cost of moving a ton to the coast to climb \
by 17% to $44.

Rival railways are preparing to profit. Sydbane said it had leased 40 flat wagons from a Czech company and would \
run one additional train a night. Its shares gained 2.9% in Ostervik trading.

Not everyone believes the timetable. Repairs of the Rosvik lock in 1994 were to take three weeks and lasted ten, \
said Henning Lauritz, a retired pilot.

The government of Prime Minister Karl Edvard Moe rejected a request for $18 million in aid on Friday, saying \
that the company had bought back shares worth $55 million in June.
"""

GERMAN = """\
Der Uhrenhersteller Falkenrieth schließt sein Werk in Oberweiler und streicht 340 Stellen. Die Produktion soll \
bis Ende September nach Slowenien verlagert werden, wie das Unternehmen am Dienstag mitteilte.

Vorstandschefin Helene Wackernagel begründete den Schritt mit gestiegenen Löhnen und dem teuren Strom. „Wir \
haben in vier Jahren 27 Millionen Euro verloren und keinen einzigen Käufer gefunden“, sagte sie vor der \
Belegschaft.

Der Betriebsrat sprach von einem Schlag ins Gesicht. Dessen Vorsitzender Ruprecht Zöllner kündigte Widerstand an \
und verwies auf eine Vereinbarung aus dem Jahr 2021, die Kündigungen bis 2027 ausschließt.

Falkenrieth hatte zuletzt 1,9 Millionen Uhren im Jahr gebaut, ein Fünftel davon für den japanischen Händler \
Moritaka. Der Umsatz sank im vergangenen Jahr um 12,5 Prozent auf 148 Millionen Euro.

Bürgermeister Tilman Grasser bot der Firma an, die Gewerbesteuer für drei Jahre zu stunden. Darauf ging sie \
nicht ein.
"""

GERMAN_SPUN = """\
Das Werk in Oberweiler wird vom Hersteller der Uhren Falkenrieth zugemacht, wobei 340 Arbeitsplätze wegfallen. \
Bis zum Ende des Septembers soll die Fertigung nach Slowenien umziehen, ließ die Firma am Dienstag wissen.

Als Gründe nannte die Chefin des Vorstands, Helene Wackernagel, höhere Löhne sowie teure Elektrizität. „In vier \
Jahren verloren wir 27 Millionen Euro, und ein Käufer war nirgends zu finden“, erklärte sie den Mitarbeitern.

Von einer Ohrfeige sprach der Betriebsrat. Ruprecht Zoellner, der ihm vorsitzt, will sich wehren und beruft sich \
auf einen Vertrag von 2021, nach dem es bis 2027 keine Entlassungen geben darf.

1,9 Millionen Uhren stellte Falkenrieth zuletzt jährlich her; 20 Prozent gingen an Moritaka, einen Händler aus \
Japan. Im letzten Jahr verringerte sich der Umsatz auf 148 Millionen Euro, das sind 12,5 Prozent weniger.

Ein Angebot von Bürgermeister Tilman Grasser, die Gewerbesteuer drei Jahre lang zu stunden, nahm das Unternehmen \
nicht an.
"""

SPANISH = """\
La cooperativa aceitera Valdeterra suspenderá desde el lunes las ventas a granel después de que una plaga \
destruyera el 38% de la cosecha en la comarca de Almazuela, según informó su presidenta, Remedios Cascales.

La entidad, que reúne a 1.240 agricultores, calcula unas pérdidas de 16,5 millones de euros. «Hay familias que \
no van a recoger ni para pagar el gasóleo», lamentó Cascales en una rueda de prensa.

El insecto, una mosca llegada de Túnez, fue detectado en octubre por el laboratorio de Peñalosa. El entomólogo \
Fermín Arrabal había pedido trampas para 9.000 hectáreas, pero solo se instalaron 700.

El precio del litro en origen subió hasta los 7,85 euros. Los supermercados Dosierra anunciaron que limitarán la \
compra a tres botellas por cliente.
"""

SPANISH_SPUN = """\
A partir del lunes no habrá ventas a granel de la cooperativa de aceite Valdeterra, pues el 38 por ciento de lo \
que se iba a cosechar en la comarca de Almazuela fue arrasado por una plaga, comunicó Remedios Cascales, que la \
preside.

En 16,5 millones de euros estima el daño la organización, de la que forman parte 1.240 campesinos. «Algunas \
familias no recogerán ni lo necesario para el gasóleo», se quejó Cascales ante los periodistas.

El laboratorio de Peñalosa descubrió en octubre el insecto, que es una mosca venida de Túnez. Trampas para 9.000 \
hectáreas había solicitado Fermín Arrabal, entomólogo; apenas se colocaron en 700.

Hasta 7,85 euros trepó en origen el precio de cada litro. No se podrán llevar más de tres botellas por persona \
en los supermercados Dosierra, avisó la cadena.
"""

FRENCH = """\
Le fabricant de pianos Delacourbe a demandé mercredi son placement en redressement judiciaire devant le tribunal \
de commerce de Saint-Vérac, où il emploie 210 personnes.

La maison, fondée en 1874, doit 23,4 millions d'euros à ses fournisseurs. « Nous avons vendu 312 instruments \
l'an dernier, il en aurait fallu 800 », a expliqué sa directrice générale, Solange Maupertuis.

Le syndicat redoute la fermeture de l'atelier de Montbréal, qui façonne les tables d'harmonie. Son délégué, \
Gaspard Thévenet, réclame une aide de l'État et rappelle que l'usine avait touché 4 millions d'euros en 2023.

Deux repreneurs se seraient manifestés, dont le groupe coréen Hanbit, qui possède déjà les orgues Cassagnol.
"""

FRENCH_SPUN = """\
Mercredi, le constructeur de pianos Delacourbe, qui compte 210 salariés, a sollicité du tribunal de commerce de \
Saint-Vérac l'ouverture d'un redressement judiciaire.

Créée en 1874, l'entreprise a une dette de 23,4 millions d'euros envers les fournisseurs. « L'an passé, 312 \
instruments ont été écoulés ; 800 étaient nécessaires », a indiqué Solange Maupertuis, la directrice générale.

Une fermeture de l'atelier de Montbréal, où l'on fabrique les tables d'harmonie, est crainte par le syndicat. \
Gaspard Thevenet, délégué, exige que l'État aide et souligne qu'en 2023 quatre millions d'euros avaient été \
versés à l'usine.

Il y aurait deux candidats à la reprise ; l'un est Hanbit, un groupe de Corée auquel appartiennent déjà les \
orgues Cassagnol.
"""

CHINESE = """\
林河市政府周二宣布,全长四十二公里的新地铁线将推迟到明年九月通车,原因是隧道中发现地下水渗漏。负责施工的东岭集团表示,\
维修费用约为十七亿元。市长赵明远说,安全比速度更重要。沿线居民抱怨公交车过于拥挤,要求增加班次。\
市交通局答应从下月起增加两百辆电动公交车。
"""

CHINESE_OTHER = """\
东岭集团股价周三下跌百分之八,此前林河市宣布新地铁线推迟通车。分析师认为,公司今年利润可能减少三分之一。\
董事长拒绝评论,但公司承诺在十月底之前公布详细的调查结果,并向投资者道歉。
"""

ARABIC = """\
أعلنت شركة الواحة للمياه أنها ستغلق محطة التحلية في مدينة النخيل لمدة ستة أسابيع بعد العثور على تسرب في الأنبوب. \
وقال المدير العام سامر الخطيب إن الإصلاح سيكلف تسعة ملايين دينار. وطلبت البلدية من السكان خفض الاستهلاك إلى النصف.
"""

# A real event told by two who do not know of each other: a long report, and a short summary in another order.
ALMATY_REPORT = """\
MOSCOW—Russian transport planes began to land troops in Kazakhstan on Thursday after its president asked a military \
alliance led by Moscow for help against protests that had turned into the worst violence since independence.

Demonstrations over the price of liquefied gas, which most people in the oil town of Zhanaozen put into their cars, \
had spread within three days to Almaty, the largest city. Crowds set fire to the mayor's office and for some hours \
held the airport. The police said that they had killed dozens of attackers and lost 18 officers, two of whom had \
been found beheaded.

President Kassym-Jomart Tokayev dismissed his government, put the price caps back and took over the chair of the \
security council from Nursultan Nazarbayev, who had ruled the country for 29 years and kept that post when he \
stepped down. Mr. Tokayev blamed terrorists trained abroad and offered no evidence.

The deployment, of about 2,500 soldiers, is the first by the Collective Security Treaty Organization. It comes days \
before talks in Geneva on the troops that the Kremlin has massed near Ukraine, and analysts were divided over \
whether a second crisis would tie President Vladimir Putin's hands or strengthen them.

The internet was cut across most of the country, banks stayed shut and uranium prices jumped: Kazakhstan mines more \
than 40% of the world's supply.
"""

ALMATY_SUMMARY = """\
Uranium became dearer and bitcoin cheaper this week for the same reason. Kazakhstan, which is the biggest miner of \
the one and was until Wednesday the second-biggest of the other, went offline.

What began as anger about the cost of fuel ended with a burning city hall in Almaty, and with foreign paratroopers \
whom Mr. Tokayev called in. State television counted 18 dead policemen. How many protesters died nobody knows; the \
police speak of dozens.

For the 81-year-old Nazarbayev, in whose honor the capital had been renamed, it may be the end: he lost his seat at \
the head of the security council. The cabinet is gone as well, and gas will cost what it used to for half a year.

Russia says that its men, part of an alliance of six former Soviet states, will guard buildings and leave soon.
"""
