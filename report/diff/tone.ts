/** What a row means, for its colour. */
export type Tone = 'good' | 'bad' | 'faint' | 'plain';
