package org.simplepush.examples.embedspringboot;

import java.io.IOException;
import java.net.URI;
import org.simplepush.server.EndpointServlet;
import org.simplepush.server.PushServer;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;

/**
 * A push server as a bean; its endpoints are served by the container that serves the application.
 */
@SpringBootApplication
public class EmbedSpringBoot {
  /** Runs until the process is told to stop. */
  public static void main(String[] args) {
    SpringApplication.run(EmbedSpringBoot.class, args);
  }

  /** Listens for devices while the application runs; Spring closes it. */
  @Bean
  PushServer pushServer(
      @Value("${push.port}") int port, @Value("${push.endpoint-url}") URI endpointUrl)
      throws IOException {
    return PushServer.builder()
        .port(port)
        .noEndpointPort()
        .endpointUrl(endpointUrl)
        .build()
        .start();
  }

  /** Takes the requests of application servers. */
  @Bean
  ServletRegistrationBean<EndpointServlet> endpoints(PushServer pushServer) {
    return new ServletRegistrationBean<>(
        new EndpointServlet(pushServer.endpointHandler()), "/push/update/*");
  }
}
