/** Names of files that are taken for images. */
export const IMAGE: RegExp = /\.(jpe?g|png)$/i;
