import type { Script } from './dialogue.ts';

/** A customer and a helpdesk, in German: numbers and names come up while they speak of something else. */
export const SUPPORT: Script = {
  name: 'helpdesk, German',
  space: ' ',
  facts: `
    u Übrigens hängt der Verteiler bei uns im Keller hinter dem Weinregal, falls der Techniker fragt. [Keller + Weinregal]
    u Ich arbeite ja nur noch mittwochs und freitags zu Hause, da fällt es am meisten auf. [mittwochs + freitags]
    u Meine Schwägerin Annegret hat denselben Tarif und zahlt 34,90 Euro. [Annegret + 34,90]
    u Seit wir im Mai in die Lindenstraße 17 gezogen sind, ist es so. [Lindenstraße 17]
    u Gestern Abend kamen im Schlafzimmer gerade mal 6 Mbit an. [Schlafzimmer + 6 Mbit]
    u Der Hund hat das Kabel schon zweimal angenagt, deshalb liegt es jetzt in einem Rohr. [Hund + zweimal]
    u Auf dem Aufkleber steht etwas mit FW-0913-K, wenn ich das richtig lese. [FW-0913-K]
    u Nach 18 Uhr erreicht man mich nur über die Nummer von meinem Sohn, 0151 55502. [18 Uhr + 0151 55502]
    u Die alte Anlage hatten wir noch von der Firma Brettschneider, die es ja nicht mehr gibt. [Brettschneider]
    u Vor drei Wochen war schon ein Herr Yildirim da und hat die Dose getauscht. [Yildirim + Dose]
    u Für die Kinder haben wir die Sperre auf halb neun gestellt. [Sperre + halb neun]
    u Wir sind zu fünft im Haus, und drei davon spielen jeden Abend. [fünft + drei]
    u Im September bin ich vier Wochen zur Kur in Bad Wörishofen. [September + Bad Wörishofen]
    u Das Drucken geht nur noch vom alten Rechner, auf dem noch Windows 8 läuft. [Drucken + Windows 8]
    u Von der Gutschrift über 22 Euro habe ich auf dem Konto nichts gesehen. [Gutschrift + 22 Euro]
    u Mein Kundenkonto läuft noch auf den Mädchennamen, also Pfaffenberger. [Mädchennamen + Pfaffenberger]
    u Am liebsten wäre mir ein Termin, bevor die Maler am 9. Februar kommen. [Maler + 9. Februar]
    u Das Passwort fürs Gästenetz haben wir damals auf Apfelstrudel geändert. [Gästenetz + Apfelstrudel]
    a Ich habe Ihnen dafür soeben den Vorgang 48-2213 angelegt. [48-2213]
    a Kommen wird voraussichtlich Frau Özdemir, zwischen 8 und 10 Uhr. [Özdemir + 8 und 10 Uhr]
    a Laut unserer Messung verlieren Sie zwischen Haus und Verteiler rund 31 Prozent. [31 Prozent]
    a In Ihrem Vertrag steht eine Kündigungsfrist von sechs Wochen zum Quartalsende. [sechs Wochen + Quartalsende]
    a Das Ersatzgerät ist ein Modell Calypso 7, das auch Ihr Nachbar bekommen hat. [Ersatzgerät + Calypso 7]
    a Den Rückschein schicken Sie dann bitte an das Lager in Gütersloh. [Rückschein + Gütersloh]
    a Auf unserer Seite lief in der Nacht zum 14. eine Wartung, die den Ausfall erklärt. [Nacht zum 14. + Wartung]
    a Für das zweite Gerät fallen einmalig 19 Euro an, die ich Ihnen erlasse. [zweite Gerät + 19 Euro]
  `,
  things: [
    'der Router',
    'das Netzteil',
    'die Leitung',
    'das Telefon',
    'der Drucker',
    'die Rechnung',
    'der Empfang',
    'das Menü',
    'die App',
    'der Fernseher',
    'die Anzeige',
    'das Konto',
    'der Filter',
    'die Verbindung',
    'das Update',
    'der Schalter',
  ],
  asked: [
    '{Und was|Was genau|Was} mache ich, wenn {thing} {wieder|plötzlich|abends} {ausfällt|hängt|spinnt}?',
    '{thing} {macht|zeigt} {mir|uns} {seit Tagen|immer noch|inzwischen} {Kummer|Sorgen|Ärger}.',
    'Können Sie mir {kurz|bitte|noch einmal} {erklären|sagen}, {wie|warum} {thing} so {langsam|träge|eigensinnig} ist?',
    'Das {habe ich|hat meine Frau|hat der Nachbar} {alles|schon|auch} {probiert|versucht}, {leider ohne Erfolg|es half nichts|vergeblich}.',
    'Ich {verstehe|begreife} nicht {ganz|recht}, was {thing} damit zu tun {hat|haben soll}.',
    '{Danke|Vielen Dank|Gut}, das {klingt|scheint} {vernünftig|einleuchtend|machbar}.',
    'Muss {thing} {dabei|währenddessen} {an|eingeschaltet|in der Nähe} {bleiben|sein}?',
    '{Ehrlich gesagt|Offen gestanden} {finde|halte} ich {thing} für {unnötig|übertrieben} kompliziert.',
    'Wo {finde|sehe} ich das denn, wenn {thing} {gar nichts|nur ein Lämpchen|etwas anderes} anzeigt?',
    '{Gibt es|Hätten Sie} {einen|irgendeinen} {einfacheren|schnelleren} Weg, {ohne dass|bei dem} {thing} {neu|erst} {startet|geladen wird}?',
  ],
  advised: [
    '{Häufig|Oft|In vielen Fällen} liegt {das|so etwas} daran, dass {thing} {zu warm wird|veraltet ist|nicht richtig sitzt}.',
    'Bitte {prüfen|kontrollieren} Sie {zuerst|als Nächstes|in Ruhe}, ob {thing} {fest|sauber|richtig} {eingesteckt|verbunden|eingestellt} ist.',
    'Warten Sie danach {etwa|ungefähr|mindestens} {2|3|5|10} Minuten, bis {thing} wieder {bereit|erreichbar} ist.',
    '{Sollte|Falls} {thing} {weiterhin|dann noch} {stocken|Probleme machen|blinken}, {melden|rühren} Sie sich {gern|einfach} {wieder|noch einmal}.',
    'Es {kann|dürfte} {außerdem|zudem} {helfen|sinnvoll sein}, {thing} einmal {vom Strom zu nehmen|neu einzurichten|woanders aufzustellen}.',
    '{Moderne|Die meisten} Geräte {erkennen|melden} {solche|derartige} {Störungen|Fehler} {von selbst|automatisch}, {ältere|manche} {leider|jedoch} nicht.',
    'Ich {verstehe|kann nachvollziehen}, dass {das|dieser Zustand} {ärgerlich|lästig|unangenehm} ist, und {helfe|unterstütze} Sie {gern|natürlich} weiter.',
    '{Achten|Schauen} Sie {dabei|auch} {darauf|darauf, dass} {thing}, {wie man sagt|so gut es geht}, {genügend Luft|freie Sicht|etwas Abstand} {hat|bekommt}.',
    'Im {Menü|Handbuch|Kundenbereich} {finden|sehen} Sie {dazu|hierzu} {einen|den} {Abschnitt|Punkt}, der {thing} {ausführlich|Schritt für Schritt} {beschreibt|erklärt}.',
    '{Wichtig|Entscheidend} ist {vor allem|dabei}, dass {thing} {während|im Laufe} {des Vorgangs|der Prüfung} nicht {getrennt|bewegt} wird.',
    'Viele {Kunden|Nutzer} {berichten|sagen}, dass {thing} {danach|anschließend} {deutlich|spürbar} {ruhiger|schneller|zuverlässiger} {läuft|arbeitet}.',
    '{Sie können|Man kann} {das|diesen Schritt} {beliebig oft|in aller Ruhe|jederzeit} wiederholen, {ohne|ganz ohne} {Risiko|dass etwas verloren geht}.',
  ],
  items: [
    '**Neustart**: {Schalten|Stellen} Sie {thing} {aus|ab} und nach {einer|zwei} {Minute|Minuten} wieder {an|ein}, {damit|so dass} sich alles neu {ordnen|verbinden} kann.',
    '**Standort**: {Stellen|Legen} Sie {alles|das Gerät} {möglichst|am besten} {frei|erhöht} auf, {fern|weg} von {Metall|Wasser|Wänden}, {das|was} den Empfang {stört|schwächt}.',
    '**Kabel**: {Tauschen|Ersetzen} Sie {versuchsweise|probehalber} das Kabel, {denn|weil} {feine|kleine} Brüche {sieht|bemerkt} man {von außen|meist} nicht.',
    '**Aktualisierung**: {Laden|Holen} Sie die {neueste|aktuelle} {Fassung|Version}, {sobald|wenn} {thing} sie {anbietet|vorschlägt}, {und|danach} {warten|prüfen} Sie {kurz|noch einmal}.',
    '**Werkseinstellung**: {Erst|Nur} wenn {nichts|gar nichts} {anderes|sonst} hilft, {setzen|stellen} Sie {thing} {ganz|vollständig} zurück, {wobei|auch wenn} {eigene|alle} Einstellungen verloren gehen.',
    '**Protokoll**: {Öffnen|Lesen} Sie das Protokoll und {notieren|merken} Sie sich, {was|welche Meldung} {zuletzt|vorher} {erschien|dort stand}, {bevor|ehe} {thing} {ausfiel|stockte}.',
  ],
  closings: [
    'Kann ich {sonst|darüber hinaus} noch etwas für Sie tun?',
    '{Geben|Sagen} Sie mir {gern|einfach} Bescheid, {wie|ob} es {läuft|geklappt hat}.',
    'Ich {hoffe|denke}, das {hilft|bringt} Sie {weiter|ein Stück voran}!',
  ],
};
