// Reading vector tiles, for the map: the two classes of other projects that tile_layer.js needs, in one file.

export { VectorTile } from "@mapbox/vector-tile";
export { PbfReader } from "pbf";
