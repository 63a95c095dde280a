// The one way to TensorFlow.js: `tf`, with gradients, optimizers and chained methods.
export * as tf from '@tensorflow/tfjs';
