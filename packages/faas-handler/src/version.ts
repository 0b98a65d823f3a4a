/** Version of this package, part of the model's card; a test holds it against package.json. */
export const VERSION = "0.1.0";
