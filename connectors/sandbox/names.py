"""What names, places and companies are made of, country by country. Earlier entries are drawn more often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """Raw material of one country; `mobile` and `cities` patterns fill `#` with a digit and `N` with 2-9."""

    code: str
    name: str
    dial: str
    trunk: str
    language: str
    tlds: tuple[str, ...]
    given: tuple[str, ...]
    family: tuple[str, ...]
    family_parts: tuple[tuple[str, ...], tuple[str, ...]]
    cities: tuple[tuple[str, str, str, str], ...]  # city, region, postcode pattern, national phone pattern
    streets: tuple[str, ...]
    street_form: str
    mobile: tuple[str, ...]
    forms: tuple[str, ...]
    trades: tuple[str, ...]
    currency: str
    weight: int


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GERMANY = Country(
    "DE", "Germany", "49", "0", "de", ("de", "com"),
    _words("Michael Thomas Anna Andreas Sabine Stefan Julia Christian Katharina Peter Monika Wolfgang Petra Klaus "
               "Susanne "
           "Jürgen Claudia Matthias Birgit Alexander Lena Jörg Heike Günter Ute Sebastian Anja Tobias Renate Friedrich "
           "Jana Björn Kerstin Maximilian Ursula Florian Elisabeth Robert Johanna Daniel"),
    _words("Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter "
               "Klein "
           "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Köhler Krause Lehmann Kaiser "
           "Jäger "
           "Günther Böhm Frank Voß Großmann"),
    (_words("Berg Stein Bach Feld Wald Birken Eichen Linden Hasel Rosen Gold Silber Eisen Holz Kirch Brunn Wiesen Neu "
               "Alten Ober"),
     _words("mann er meier hof müller huber inger bauer hauser ner berger stedt brandt wald maier ecker ling reuter")),
    (("Berlin", "BE", "10###", "30 N#######"), ("Hamburg", "HH", "20###", "40 N#######"), ("München", "BY", "80###",
    "89 N#######"),
     ("Köln", "NW", "50###", "221 N######"), ("Frankfurt am Main", "HE", "60###", "69 N#######"),
     ("Stuttgart", "BW", "70###", "711 N######"), ("Leipzig", "SN", "04###", "341 N######"), ("Nürnberg", "BY",
     "90###", "911 N######")),
    _words("Haupt Schul Garten Bahnhof Dorf Berg Birken Linden Kirch Wald Ring Mozart Goethe Schiller Friedrich "
               "Wiesen Rosen"),
    "{0}straße {1}", ("151 1#######", "160 9#######", "170 N######", "176 2#######"), _words("GmbH AG UG KG GmbH"),
    _words("Bau Logistik Technik Maschinenbau Elektronik Druck Textil Medien Holzbau Metallbau Consulting Energie "
               "Immobilien"), "EUR", 24,
)  # fmt: skip
AUSTRIA = Country(
    "AT", "Austria", "43", "0", "de", ("at", "com"),
    GERMANY.given, _words("Gruber Huber Bauer Wagner Müller Pichler Steiner Moser Mayer Hofer Leitner Berger Fuchs "
               "Eder Fischer Schmid Winkler"),
    GERMANY.family_parts,
    (("Wien", "", "10#0", "1 N######"), ("Graz", "ST", "80#0", "316 N#####"), ("Linz", "OÖ", "40#0", "732 N#####"),
    ("Salzburg", "S", "50#0", "662 N#####")),
    GERMANY.streets, "{0}gasse {1}", ("664 N######", "676 N######", "699 1#######"), _words("GmbH AG KG"),
    GERMANY.trades, "EUR", 6,
)  # fmt: skip
FRANCE = Country(
    "FR", "France", "33", "0", "fr", ("fr", "com"),
    _words("Jean Marie Pierre Nathalie Michel Isabelle Philippe Sylvie François Céline Nicolas Hélène Frédéric "
               "Aurélie Julien "
           "Émilie Thomas Chloé Sébastien Camille Jérôme Élodie Laurent Anaïs Antoine Léa Mathieu Inès Olivier Zoé"),
    _words("Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefèbvre Michel "
               "Garcia David Bertrand "
           "Roux Vincent Fournier Morel Girard André Mercier Dupont Lambert François Legrand Guérin Müller Béranger"),
    (_words("Beau Mont Clair Roche Bois Val Font Grand Champ Long Ville Haute Belle Saint Bon"),
     _words("champ fort bois val mont court ville lieu rive blanc eau pré neuve ault ard")),
    (("Paris", "Île-de-France", "750##", "1 4# ## ## ##"), ("Lyon", "Rhône", "6900#", "4 72 ## ## ##"), ("Marseille",
    "PACA", "1300#", "4 91 ## ## ##"),
     ("Toulouse", "Occitanie", "3100#", "5 61 ## ## ##"), ("Nantes", "Loire", "4400#", "2 40 ## ## ##"), ("Orléans",
     "Centre", "4500#", "2 38 ## ## ##")),
    _words("République Gare Église Moulin Victor-Hugo Liberté Pasteur Gambetta Jaurès Voltaire Paix Fleurs Écoles"),
    "{1} rue de {0}", ("6 ## ## ## ##", "7 6# ## ## ##"), _words("SARL SA SAS"),
    _words("Bâtiment Transports Informatique Conseil Énergie Textiles Médias Mécanique Distribution Services"), "EUR",
    12,
)  # fmt: skip
BRITAIN = Country(
    "GB", "United Kingdom", "44", "0", "en", ("co.uk", "com"),
    _words("David Susan John Sarah Paul Margaret James Elizabeth Andrew Emma Robert Catherine William Victoria "
               "Richard Rebecca Thomas "
           "Charlotte Edward Jennifer Christopher Deborah Michael Alexandra Anthony Patricia Daniel Samantha Matthew "
           "Lucy"),
    _words("Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White "
               "Roberts Green Hall "
           "Wood Jackson Clarke Khan Hughes Edwards Turner Hill O'Brien Murphy Singh McDonald"),
    (_words("Ash Brad Hart Black Stan White Wood Green Clay Hol Lang Mor Nor Ridge Thorn West East Win Har Ken"),
     _words("ford ton well field ley worth wick brook dale by ham more stead bourne shaw croft")),
    (("London", "Greater London", "EC1A #AB", "20 7### ####"), ("Manchester", "Lancashire", "M# 4BT", "161 N## ####"),
    ("Birmingham", "West Midlands", "B# 4QA", "121 N## ####"),
     ("Leeds", "Yorkshire", "LS# 5AD", "113 2## ####"), ("Glasgow", "Scotland", "G# 3UT", "141 N## ####"), ("Bristol",
     "Avon", "BS# 4QA", "117 9## ####")),
    _words("High Station Church Park Victoria Mill Queen King Green School Manor Albert London Grange"),
    "{1} {0} Street", ("7700 ######", "7911 ######", "7812 ######", "7525 ######"), _words("Ltd Limited PLC LLP"),
    _words("Construction Logistics Engineering Consulting Media Electronics Printing Foods Energy Software "
               "Properties"), "GBP", 14,
)  # fmt: skip
AMERICA = Country(
    "US", "United States", "1", "", "en", ("com", "net", "io"),
    _words("James Mary Robert Patricia John Jennifer Michael Linda William Elizabeth David Barbara Richard Susan "
               "Joseph Jessica Thomas "
           "Katherine Christopher Margaret Daniel Deborah Matthew Rebecca Anthony Samantha Edward Cynthia Benjamin "
           "Victoria Gregory Pamela"),
    _words("Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
               "Anderson Thomas Taylor "
           "Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young "
           "Nguyen O'Connor"),
    BRITAIN.family_parts,
    (("New York", "NY", "100##", "212 N## ####"), ("San Francisco", "CA", "941##", "415 N## ####"), ("Chicago", "IL",
    "606##", "312 N## ####"), ("Austin", "TX", "787##", "512 N## ####"),
     ("Boston", "MA", "021##", "617 N## ####"), ("Seattle", "WA", "981##", "206 N## ####"), ("Denver", "CO", "802##",
     "303 N## ####"), ("Atlanta", "GA", "303##", "404 N## ####")),
    _words("Main Oak Maple Cedar Pine Washington Lake Hill Walnut Park Elm Lincoln Jefferson Sunset River"),
    "{1} {0} Avenue", ("917 N## ####", "650 N## ####", "773 N## ####", "206 N## ####"), _words("Inc LLC Corp Inc LLC"),
    BRITAIN.trades, "USD", 24,
)  # fmt: skip
SPAIN = Country(
    "ES", "Spain", "34", "", "es", ("es", "com"),
    _words("Antonio María José Carmen Manuel Ana Francisco Isabel David Laura Juan Cristina Javier Marta Daniel Lucía "
               "Jesús Elena Alejandro Begoña Íñigo Rocío"),
    _words("García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz "
               "Moreno Muñoz Álvarez Romero Núñez Ibáñez"),
    (_words("Val Mont Ola Zar Cas Cor Alb Mar Per Ram"), _words("verde blanco ero illa ales ona eda andía uera oso")),
    (("Madrid", "Madrid", "280##", "91 5## ## ##"), ("Barcelona", "Barcelona", "080##", "93 2## ## ##"), ("Valencia",
    "Valencia", "460##", "96 3## ## ##"), ("Málaga", "Málaga", "290##", "95 2## ## ##")),
    _words("Mayor Real Sol Alcalá Colón Goya Serrano Cervantes Constitución Fuente"),
    "Calle {0} {1}", ("61# ### ###", "65# ### ###", "67# ### ###"), ("SL", "SA", "S.L."),
    _words("Construcciones Transportes Sistemas Consultores Energía Alimentos Textil Logística"), "EUR", 6,
)  # fmt: skip
ITALY = Country(
    "IT", "Italy", "39", "", "it", ("it", "com"),
    _words("Marco Giulia Andrea Francesca Giuseppe Chiara Alessandro Sara Matteo Elena Lorenzo Valentina Davide Paola "
               "Niccolò Federica Roberto Laura"),
    _words("Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De_Luca Costa "
               "Giordano Mancini Rizzo Lombardi D'Angelo"),
    (_words("Monte Bel Castel Fiora Mar Ser Tor Val Cam Bene"),
    _words("verdi nelli fiore santi gnoni telli rossa vento zzi dini")),
    (("Milano", "MI", "201##", "02 #### ####"), ("Roma", "RM", "001##", "06 #### ####"), ("Torino", "TO", "101##",
    "011 ### ####"), ("Bologna", "BO", "401##", "051 ### ####")),
    _words("Roma Garibaldi Mazzini Cavour Dante Verdi Marconi Manzoni Vittoria Leopardi"),
    "Via {0} {1}", ("347 #######", "333 #######", "320 #######"), ("Srl", "SpA", "S.r.l."),
    _words("Costruzioni Trasporti Elettronica Consulenza Meccanica Tessile Energia Servizi"), "EUR", 6,
)  # fmt: skip
NETHERLANDS = Country(
    "NL", "Netherlands", "31", "0", "nl", ("nl", "com"),
    _words("Jan Maria Pieter Anna Kees Johanna Willem Sanne Hendrik Lotte Daan Femke Thijs Anouk Bram Marieke Sjoerd "
               "Renée"),
    _words("de_Jong Jansen de_Vries van_den_Berg Bakker van_Dijk Visser Smit Meijer de_Boer Mulder Bos Vos Peters "
               "Hendriks van_Leeuwen Dekker Brouwer"),
    (_words("Oude Nieuwen Water Zand Hout Groen Kool Steen Berg Dijk"),
    _words("huis kamp man stra veld horst ink dam burg meer")),
    (("Amsterdam", "NH", "101# AB", "20 N######"), ("Rotterdam", "ZH", "301# CD", "10 N######"), ("Utrecht", "UT",
    "351# EF", "30 N######"), ("Eindhoven", "NB", "561# GH", "40 N######")),
    _words("Kerk School Dorps Molen Station Julianna Wilhelmina Beatrix Linden Eiken"),
    "{0}straat {1}", ("6 1# ### ###", "6 2# ### ###", "6 4# ### ###"), ("BV", "B.V.", "NV"),
    _words("Bouw Logistiek Techniek Advies Media Energie Transport Installatie"), "EUR", 5,
)  # fmt: skip
POLAND = Country(
    "PL", "Poland", "48", "", "pl", ("pl", "com.pl"),
    _words("Jan Anna Piotr Maria Krzysztof Katarzyna Andrzej Małgorzata Tomasz Agnieszka Paweł Joanna Michał Zofia "
               "Łukasz Ewa Stanisław Żaneta"),
    _words("Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski "
               "Kozłowski Jankowski Mazur Krawczyk"),
    (_words("Zawad Biał Czarn Star Gór Dol Wil Brzoz Lip Sos"),
    _words("owski iński ewicz czak ecki ik owicz nicki alski arz")),
    (("Warszawa", "MZ", "00-#1#", "22 6## ## ##"), ("Kraków", "MA", "30-#1#", "12 4## ## ##"), ("Wrocław", "DS",
    "50-#1#", "71 3## ## ##"), ("Łódź", "LD", "90-#1#", "42 6## ## ##")),
    _words("Polna Leśna Słoneczna Krótka Szkolna Ogrodowa Lipowa Brzozowa Łąkowa"),
    "ul. {0} {1}", ("501 ### ###", "602 ### ###", "691 ### ###"), ("Sp. z o.o.", "S.A."),
    _words("Budownictwo Transport Technika Energia Konsulting Meble Druk"), "PLN", 5,
)  # fmt: skip
SWEDEN = Country(
    "SE", "Sweden", "46", "0", "sv", ("se", "com"),
    _words("Lars Anna Mikael Karin Anders Eva Johan Kristina Per Birgitta Åsa Björn Malin Göran Linnéa Östen"),
    _words("Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Åberg Sjöberg "
               "Lindström Öberg"),
    (_words("Lind Berg Sjö Ek Björk Gran Ny Norr Söder Ström"),
    _words("qvist gren ström man lund berg dahl mark holm roth")),
    (("Stockholm", "AB", "11# 2#", "8 5## ### ##"), ("Göteborg", "O", "41# 0#", "31 7## ## ##"), ("Malmö", "M",
    "21# 1#", "40 6## ## ##")),
    _words("Stor Drottning Kungs Vasa Skol Kyrko Södra Norra Björk Ängs"),
    "{0}gatan {1}", ("70 N## ## ##", "72 N## ## ##", "73 N## ## ##"), _words("AB"),
    _words("Bygg Logistik Teknik Konsult Energi Media Verkstad"), "SEK", 4,
)  # fmt: skip

COUNTRIES = (GERMANY, AUSTRIA, FRANCE, BRITAIN, AMERICA, SPAIN, ITALY, NETHERLANDS, POLAND, SWEDEN)

BRAND_PARTS = (
    _words("Nova Veri Alti Omni Quan Lumi Terra Aero Hydro Cyber Medi Agri Opti Syn Vita Poly Inter Euro Trans Micro "
               "Astra Helio Opal "
           "Cora Zenti Kora Delta Sola Brio Fera Gala Hexa Indi Juno Kine Lyra Mira Neo Orbi Pano Rive Tala Uni Vega "
           "Xeno Yuma Zira"),
    _words("tek dia via corp ra nex gen flow lux mar sol vis ton line mont data soft com net pharm dyn lab bit form "
               "ven cast dor fin gate "
           "hub jet kit lite mond nova path quest rise scan trix volt wave zon"),
)  # fmt: skip
BRAND_TRADES = _words(
    "Systems Logistics Solutions Group Energy Media Consulting Software Foods Partners Health Robotics Materials "
    "Analytics Capital Networks Instruments Packaging Optics Biotech Industries Mobility Ventures Labs"
)
NICKNAMES: dict[str, tuple[str, ...]] = {
    "Robert": ("Bob", "Rob"), "William": ("Bill", "Will"), "Richard": ("Rick", "Dick"), "James": ("Jim", "Jamie"),
    "John": ("Jack", "Johnny"), "Michael": ("Mike",), "Thomas": ("Tom",), "Christopher": ("Chris",), "Daniel": ("Dan",),
    "Matthew": ("Matt",), "Anthony": ("Tony",), "Edward": ("Ted", "Ed"), "Joseph": ("Joe",), "David": ("Dave",),
    "Elizabeth": ("Liz", "Beth"), "Margaret": ("Maggie", "Peggy"), "Patricia": ("Pat", "Trish"), "Jennifer": ("Jen",),
    "Katherine": ("Kate", "Kathy"), "Catherine": ("Cathy", "Kate"), "Deborah": ("Debbie",), "Rebecca": ("Becky",),
    "Susan": ("Sue",), "Victoria": ("Vicky",), "Samantha": ("Sam",), "Alexandra": ("Alex",), "Andrew": ("Andy",),
    "Benjamin": ("Ben",), "Gregory": ("Greg",), "Cynthia": ("Cindy",), "Barbara": ("Barb",), "Jessica": ("Jess",),
    "Pamela": ("Pam",), "Alexander": ("Alex",), "Maximilian": ("Max",), "Katharina": ("Kathi",),
    "Sebastian": ("Basti",),
    "Andreas": ("Andi",), "Matthias": ("Matze",), "Friedrich": ("Fritz",), "Johanna": ("Hanna",),
    "Stefan": ("Steffen",),
    "Francisco": ("Paco",), "José": ("Pepe",), "Alessandro": ("Sandro",), "Giuseppe": ("Beppe",),
    "Małgorzata": ("Gosia",),
    "Katarzyna": ("Kasia",), "Frédéric": ("Fred",), "Hendrik": ("Henk",), "Willem": ("Wim",), "Nicolas": ("Nico",),
}  # fmt: skip
TITLES = (
    "Managing Director", "Purchasing Manager", "Head of IT", "Accountant", "CFO", "Operations Manager",
    "Sales Manager", "Office Manager",
    "Project Manager", "Marketing Manager", "Engineer", "Assistant", "Team Lead", "Buyer", "Owner", "CTO",
)  # fmt: skip
MAILBOXES = ("info", "office", "accounts", "billing", "contact", "invoices")
PRIVATE_MAIL = (
    "gmail.com",
    "outlook.com",
    "yahoo.com",
    "hotmail.com",
    "icloud.com",
    "gmx.de",
    "web.de",
    "orange.fr",
    "proton.me",
)
PLACEHOLDERS = ("n/a", "TBD", "test", "-", "unknown", ".", "xxx")
