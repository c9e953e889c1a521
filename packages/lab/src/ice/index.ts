export { type CellResult, cells, nameOf, printMatrix, roundTrips, runCell } from "./matrix.ts"
export { CARRIERS, type PopulationCall, populationCall, shares } from "./population.ts"
export { percentile, type RtoCall, rtoCall } from "./rto.ts"
export { type SeededCall, seededCall } from "./seeded.ts"
