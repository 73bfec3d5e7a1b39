// A plan on a map: outlines, lines from hamlets to their sites, ways of teams, sites, and hamlets with people who have
// no place. What is told of each comes from the server as plain text.
(function () {
  "use strict";

  const LEAST = 6;
  const MOST = 22;

  function lines(texts) {
    const box = document.createElement("div");
    for (const text of texts) {
      const line = document.createElement("p");
      line.textContent = text;
      box.append(line);
    }
    return box;
  }

  function badge(className, text, at) {
    const box = document.createElement("span");
    box.className = className;
    box.textContent = text;
    return L.marker(at, { icon: L.divIcon({ className: "", html: box, iconSize: null }), keyboard: false });
  }

  const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

  L.PlanLayer = L.LayerGroup.extend({
    options: { sites: [], reaches: [], ways: [], without: [], outlines: [], closed: [], words: {}, colours: {} },

    initialize(options) {
      L.LayerGroup.prototype.initialize.call(this, [], options);
      // What is shown: a day in ISO and a team, "" for all; and which parts.
      this.shown = { day: "", team: "", reaches: true, ways: true, without: true };
      this._ground = L.layerGroup();
      this._moving = L.layerGroup();
    },

    onAdd(map) {
      L.LayerGroup.prototype.onAdd.call(this, map);
      const { ink, closed } = this.options.colours;
      for (const shape of this.options.outlines) {
        L.geoJSON(shape, { style: { color: ink, weight: 1, opacity: 0.6, fill: false }, interactive: false })
          .addTo(this._ground);
      }
      for (const shape of this.options.closed) {
        const style = { color: closed, weight: 3, dashArray: "8 5", fillColor: closed, fillOpacity: 0.18 };
        L.geoJSON(shape, { style }).bindTooltip(this.options.words.closed).addTo(this._ground);
      }
      this.addLayer(this._ground);
      this.addLayer(this._moving);
      this.show({});
    },

    // Show another day, another team, or other parts.
    show(what) {
      Object.assign(this.shown, what);
      const { day, team, reaches, ways, without } = this.shown;
      const { sites, colours } = this.options;
      this._moving.clearLayers();
      const people = sites.map((site) => this._people(site));
      const most = Math.max(1, ...sites.map((site) => sum(Object.values(site.people))));
      const all = !day && !team;
      // On a narrow map large circles would lie on each other.
      const largest = this._map && this._map.getSize().x < 500 ? MOST * 0.6 : MOST;
      if (reaches) {
        for (const each of this.options.reaches) {
          const site = sites[each.site];
          if (!all && !people[each.site]) continue;
          L.polyline([[site.lat, site.lon], [each.lat, each.lon]], { color: colours.ink, weight: 1.2, opacity: 0.55 })
            .bindTooltip(lines([each.told])).addTo(this._moving);
          L.circleMarker([each.lat, each.lon], { radius: 2.5, color: colours.ink, weight: 1, fillOpacity: 0.9 })
            .bindTooltip(lines([each.told])).addTo(this._moving);
        }
      }
      if (ways) this._drawWays(day, team);
      sites.forEach((site, place) => {
        const idle = !people[place];
        const radius = idle ? LEAST - 1 : LEAST + (largest - LEAST) * Math.sqrt(people[place] / most);
        L.circleMarker([site.lat, site.lon], {
          radius,
          color: "#fff",
          weight: 2,
          fillColor: site.fixed ? colours.fixed : colours.mobile,
          fillOpacity: idle ? 0.35 : 0.92,
        }).bindTooltip(lines([site.name, ...site.told])).bindPopup(() => this._popup(site)).addTo(this._moving);
      });
      if (without && all) {
        for (const one of this.options.without) {
          badge("plan-without", one.people, [one.lat, one.lon]).bindTooltip(lines(one.told)).addTo(this._moving);
        }
      }
      this.fire("shown", { sites: people.filter(Boolean).length, people: sum(people) });
      return this;
    },

    // How many come to a site on the day, or to the team, that is shown.
    _people(site) {
      const { day, team } = this.shown;
      return sum(Object.entries(site.people)
        .filter(([on]) => (!day || on === day) && (!team || (site.teams[on] || []).includes(team)))
        .map(([, number]) => number));
    },

    _drawWays(day, team) {
      for (const way of this.options.ways) {
        if ((day && way.day !== day) || (team && way.team !== team)) continue;
        const style = { color: way.colour, weight: 3.5, opacity: 0.85, dashArray: way.straight ? "7 6" : null };
        L.polyline(way.points, style).bindTooltip(lines([way.told]), { sticky: true }).addTo(this._moving);
        if (!day) continue;
        way.stops.forEach((at, place) => {
          const number = badge("plan-stop", place + 1, at);
          number.options.icon.options.html.style.background = way.colour;
          number.bindTooltip(lines([way.told])).addTo(this._moving);
        });
      }
    },

    _popup(site) {
      const box = lines([site.name, ...site.told]);
      box.firstChild.className = "popup-sentence";
      if (!site.address) return box;
      const link = document.createElement("a");
      link.href = site.address;
      link.textContent = this.options.words.open_site;
      box.append(link);
      return box;
    },
  });

  L.planLayer = (options) => new L.PlanLayer(options);
})();
