import { basename, join } from "node:path";
import type { RunFiles } from "../training/run-folder.js";
import { makeFolder, writeWhole } from "../writing.js";
import { accuracyChart, lossChart, reliabilityOf } from "./curves.js";
import { htmlReport } from "./html.js";
import { filterPictures, pictureOf, pngFile, sheet } from "./images.js";
import { markdownReport } from "./markdown.js";
import { answersOf, MISTAKES, type ReportData, worstMistakes } from "./report.js";
import { svgFile } from "./style.js";

/**
 * Writes the report: as HTML, which holds everything, and as Markdown with its pictures in a folder.
 * @throws CifarError CANNOT_WRITE
 */
export async function writeReport(files: RunFiles, report: ReportData): Promise<void> {
  await writeWhole(files.report, htmlReport(report));
  await writeWhole(files.reportMarkdown, markdownReport(report, basename(files.reportPictures)));
  await makeFolder(files.reportPictures);
  const mistakes = worstMistakes(answersOf(report), MISTAKES);
  const pictures = {
    "loss.svg": svgFile(lossChart(report)),
    "accuracy.svg": svgFile(accuracyChart(report)),
    "reliability.svg": svgFile(reliabilityOf(report)),
    "filters.png": pngFile(sheet(filterPictures(report.model), { columns: 16, scale: 12 })),
    ...(mistakes.length > 0 && {
      "mistakes.png": pngFile(
        sheet(
          mistakes.map(({ picture }) => pictureOf(report.test, picture)),
          { columns: 5, scale: 3 },
        ),
      ),
    }),
  };
  for (const [name, content] of Object.entries(pictures)) await writeWhole(join(files.reportPictures, name), content);
}
