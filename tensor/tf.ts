// The one door to TensorFlow.js: everything numeric imports `tf` from here.
export * as tf from '@tensorflow/tfjs';
