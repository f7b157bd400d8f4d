/**
 * The device side of SimplePush, after {@code navigator.push} of Firefox OS. Start from {@link
 * org.simplepush.client.PushClient}: it holds one connection to a push server for all applications
 * on the device. Each application asks its {@link org.simplepush.client.PushManager} for endpoints
 * and hears of new versions through its {@link org.simplepush.client.PushHandler}, which says there
 * what else an application should handle.
 */
@NullMarked
package org.simplepush.client;

import org.jspecify.annotations.NullMarked;
